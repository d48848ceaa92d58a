# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""No cheat earns more than honesty, whether one box or any number is asked for."""

from __future__ import annotations

import pytest

from verl_visual_rft.rewards.audit import SKILLS, audit


@pytest.mark.long
def test_no_cheat_beats_honesty_of_any_skill() -> None:
    for contest in audit("robust", ["grounding"], skills=SKILLS).contests:
        assert not contest.beaten, contest.skill


def test_the_kinds_of_questions_make_up_all() -> None:
    (contest,) = audit("iou=1", ["grounding"], size=80).contests
    parts = {kind: stratum.n for kind, stratum in contest.strata.items()}
    kinds = ("one box asked for", "no target", "one target", "several targets")
    assert parts["all"] == contest.n_questions == sum(parts[kind] for kind in kinds)
    assert parts["all"] - parts["no target"] == parts["small objects"] + parts["large objects"]
    assert min(parts.values()) > 5
