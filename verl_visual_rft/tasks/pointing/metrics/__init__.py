# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pointing metrics: the hit rate, by the size of what is meant."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.evaluation.results import ANSWER_COLUMNS, Answered, Result
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.metrics import TaskMetrics
from verl_visual_rft.tasks.pointing.metrics.hits import hits_of


class Metrics(TaskMetrics):
    """Hit rate, overall and by size, and the share of questions that are answered without a fault."""

    columns = {
        "hit_rate": "hit rate",
        "hit_small": "small",
        "hit_medium": "medium",
        "hit_large": "large",
        "no_target": "nothing meant",
        "all_hit": "all right",
        **ANSWER_COLUMNS,
    }
    caption = (
        "Share of targets with a point inside, in percent; where more points than targets are answered each hit counts "
        "targets / points. Targets are small below 1/300 of the picture and large from 3 % of it on; where nothing is "
        "meant 'No Objects' is a hit. All right: a point inside every target, and no other"
    )

    def quick(self, samples: Sequence[tuple[str, Sample]]) -> dict[str, float]:
        """Hit rate, and the share of questions without a fault."""
        counted = [hits_of(sample) for _, sample in samples]
        targets = sum(hits.targets for hits in counted)
        return {
            "hit_rate": 100 * sum(hits.credit for hits in counted) / targets,
            "all_hit": 100 * sum(hits.faultless for hits in counted) / len(counted),
        }

    def measure(self, answered: Answered) -> Result:
        """Hit rates by size: see `measure_pointing`."""
        from verl_visual_rft.tasks.pointing.metrics.measure import measure_pointing

        return measure_pointing(answered.scored, answered.reward)


METRICS = Metrics()
