# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import math

import pytest

from verl_visual_rft.training.monitoring.statistics import component_statistics, truncated_share


def test_mean_and_spread_of_each_component():
    metrics = component_statistics(
        [{"score": 1.0, "iou": 0.5}, {"score": 3.0, "iou": 0.5}, {"score": 2.0, "iou": 0.5}], ["a", "a", "b"]
    )
    assert metrics["reward/score/mean"] == pytest.approx(2.0)
    assert metrics["reward/score/std"] == pytest.approx(math.sqrt(2 / 3))
    assert metrics["reward/iou/std"] == 0.0


def test_groups_whose_scores_are_equal_are_counted():
    infos = [{"score": s} for s in (1.0, 1.0, 0.0, 2.0)]
    assert component_statistics(infos, ["a", "a", "b", "b"])["group/zero_std_frac"] == 0.5


def test_text_and_non_finite_values_are_no_metrics():
    metrics = component_statistics([{"score": 1.0, "text": "x", "bad": math.nan}], ["a"])
    assert set(metrics) == {"reward/score/mean", "reward/score/std", "group/zero_std_frac"}


def test_components_that_only_some_rows_have():
    metrics = component_statistics([{"score": 1.0, "accuracy": 1.0}, {"score": 0.0, "iou": 0.4}], ["a", "b"])
    assert metrics["reward/accuracy/mean"] == 1.0
    assert metrics["reward/iou/mean"] == pytest.approx(0.4)


def test_parse_outcomes_are_shares_and_no_components():
    flags = [{"outcome_malformed": 1.0, "outcome_repaired": 0.0}] * 3 + [
        {"outcome_malformed": 0.0, "outcome_repaired": 1.0}
    ]
    metrics = component_statistics(flags, ["a", "a", "b", "b"])
    assert metrics == {"parse/malformed": 0.75, "parse/repaired": 0.25}


@pytest.mark.parametrize(("lengths", "share"), [([48, 47], 0.5), ([47, 47], 0.0), ([48, 50], 1.0), ([], 0.0)])
def test_a_response_at_the_limit_is_truncated(lengths, share):
    assert truncated_share(lengths, 48) == share
