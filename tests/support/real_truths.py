# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The audit of `robust` on truths of real data sets."""

from __future__ import annotations

import json
from pathlib import Path

from verl_visual_rft.rewards.audit import audit

COCO = "data/coco/instances_val2014_100.json"


def write_truths(path: Path, task: str, truths: list[dict]) -> Path:
    path.write_text("\n".join(json.dumps({"task": task, "ground_truth": truth}) for truth in truths))
    return path


def assert_honesty_wins(truths: Path, task: str, seed: int = 0) -> None:
    (contest,) = audit("robust", [task], truths, seed).contests
    assert contest.n_questions > 50
    assert not [standing for standing in contest.standings if standing.beats_honesty]
