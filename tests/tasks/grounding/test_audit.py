# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of grounding questions; tests/rewards/audit/test_audit.py holds that no cheat earns more than honesty."""

from __future__ import annotations

from verl_visual_rft.rewards.audit import audit


def test_the_kinds_of_questions_make_up_all() -> None:
    (contest,) = audit("iou=1", ["grounding"], size=80).contests
    parts = {kind: stratum.n for kind, stratum in contest.strata.items()}
    kinds = ("one box asked for", "no target", "one target", "several targets")
    assert parts["all"] == contest.n_questions == sum(parts[kind] for kind in kinds)
    assert parts["all"] - parts["no target"] == parts["small objects"] + parts["large objects"]
    assert min(parts.values()) > 5
