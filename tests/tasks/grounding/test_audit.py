# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of grounding's honest policy and cheats; tests/rewards/audit/test_audit.py holds that none wins."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean

import pytest
from audited_tasks import CHEATS, HONEST, PLAYED, respond, winners
from real_truths import COCO, assert_honesty_wins, write_truths
from shared_inputs import shared

from verl_visual_rft.answers import Outcome
from verl_visual_rft.boxes import iou
from verl_visual_rft.coordinates import to_thousandths
from verl_visual_rft.rewards import load_reward
from verl_visual_rft.rewards.audit import audit
from verl_visual_rft.rewards.audit.tournament import hold_contest
from verl_visual_rft.rewards.audit.truth_sets import built_in
from verl_visual_rft.tasks.grounding import parse_grounding


def test_the_kinds_of_questions_make_up_all() -> None:
    (contest,) = audit("iou=1", ["grounding"], size=80).contests
    parts = {kind: stratum.n for kind, stratum in contest.strata.items()}
    kinds = ("one box asked for", "no target", "one target", "several targets")
    assert parts["all"] == contest.n_questions == sum(parts[kind] for kind in kinds)
    assert parts["all"] - parts["no target"] == parts["small objects"] + parts["large objects"]
    assert min(parts.values()) > 5


def test_the_honest_grounder_is_near_60_percent_of_the_time() -> None:
    overlaps = []
    for place, question in enumerate(built_in("grounding", 2000, seed=1)):
        if not question.truth.any_number:
            answer = parse_grounding(respond(HONEST["grounding"], question, place))
            assert answer.outcome is Outcome.WELL_FORMED
            overlaps.append(iou(answer.box, question.truth.box))
    near = [overlap for overlap in overlaps if overlap > 0.3]
    assert len(near) / len(overlaps) == pytest.approx(0.65, abs=0.06)  # some land on the object by chance
    assert fmean(near) == pytest.approx(0.7, abs=0.05)


def test_under_reference_inverted_boxes_beat_honesty_without_bound() -> None:
    pytest.importorskip("math_verify")
    names = {"inverted giant", "inverted picture", "swapped corners", "whole image box"}
    asked = [question for question in built_in("grounding", 300, seed=0) if not question.truth.any_number]
    cheats = [cheat for cheat in CHEATS["grounding"] if cheat.name in names]
    contest = hold_contest(load_reward("reference"), asked, PLAYED["grounding"], cheats, seed=0)
    assert winners(contest) == {"inverted giant", "inverted picture", "swapped corners"}
    assert contest.standings[0].policy.name == "inverted giant"
    assert contest.standings[0].score > 100


def test_made_up_questions_that_a_reward_refuses_are_left_out() -> None:
    pytest.importorskip("math_verify")
    (contest,) = audit("reference", ["grounding"], size=4).contests
    assert contest.n_questions == contest.strata["one box asked for"].n < 4


def test_grounding_on_the_only_objects_of_their_kind_in_coco(tmp_path: Path) -> None:
    content = json.loads(shared(COCO).read_text())
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    by_pair: dict[tuple[int, int], list[list[float]]] = {}
    for entry in content["annotations"]:
        by_pair.setdefault((entry["image_id"], entry["category_id"]), []).append(entry["bbox"])
    truths = [
        {"box": to_thousandths((x, y, x + width, y + height), sizes[image])}
        for (image, _), [(x, y, width, height), *others] in by_pair.items()
        if not others
    ]
    assert_honesty_wins(write_truths(tmp_path / "truths.jsonl", "grounding", truths), "grounding")
