# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of detection's honest policy and cheats; tests/rewards/audit/test_audit.py holds that none wins."""

from __future__ import annotations

from dataclasses import replace
from statistics import correlation, fmean, median

import pytest
from audited_tasks import HONEST, cheat, contest_of, respond, winners
from real_truths import COCO, assert_honesty_wins
from shared_inputs import shared

from verl_visual_rft.answers import Outcome
from verl_visual_rft.boxes import area, iou
from verl_visual_rft.rewards.audit import audit
from verl_visual_rft.rewards.audit.truth_sets import built_in
from verl_visual_rft.tasks.audited import Policy
from verl_visual_rft.tasks.audited.question import make_question
from verl_visual_rft.tasks.detection import parse_detection
from verl_visual_rft.tasks.detection.audit import BLIND

KNOW_A_NUMBER = {"y1 copied", "y1 in words"}


@pytest.mark.parametrize("policy", [pytest.param(p, id=p.name) for p in BLIND if p.name not in KNOW_A_NUMBER])
def test_a_blind_policy_does_not_look_at_the_picture(policy: Policy) -> None:
    assert len({respond(policy, question) for question in built_in("detection", 20, seed=1)}) == 1


@pytest.mark.parametrize(("skill", "found", "overlap"), [("weak", 0.4, 0.5), ("strong", 0.9, 0.86)])
def test_the_weak_and_the_strong_detector(skill: str, found: float, overlap: float) -> None:
    overlaps, objects = [], 0
    for place, question in enumerate(built_in("detection", 600, seed=1)):
        answer = parse_detection(respond(HONEST["detection"], replace(question, skill=skill), place))
        objects += len(question.truth.boxes)
        best = [max((iou(d.box, truth) for truth in question.truth.boxes), default=0) for d in answer.detections]
        overlaps += [overlap for overlap in best if overlap > 0.15]
    assert len(overlaps) / objects == pytest.approx(found, abs=0.08)
    assert fmean(overlaps) == pytest.approx(overlap, abs=0.06)


def test_the_honest_detector_is_of_moderate_quality() -> None:
    found, overlaps, confidences, false_alarms, right_negatives = [], [], [], [], []
    for place, question in enumerate(built_in("detection", 1000, seed=1)):
        answer = parse_detection(respond(HONEST["detection"], question, place))
        assert answer.outcome in (Outcome.WELL_FORMED, Outcome.NO_OBJECTS)
        if not question.truth.boxes:
            right_negatives.append(answer.outcome is Outcome.NO_OBJECTS)
            continue
        best = [max(iou(d.box, truth) for truth in question.truth.boxes) for d in answer.detections]
        hits = [(u, d.confidence) for u, d in zip(best, answer.detections, strict=True) if u > 0.3]
        overlaps += [u for u, _ in hits]
        confidences += [c for _, c in hits]
        found.append(len(hits) / len(question.truth.boxes))
        false_alarms.append(len(best) - len(hits))
    assert fmean(found) == pytest.approx(0.7, abs=0.05)
    assert fmean(overlaps) == pytest.approx(0.7, abs=0.05)
    assert correlation(overlaps, confidences) > 0.5
    assert 0.1 < fmean(false_alarms) < 0.3
    assert fmean(right_negatives) == pytest.approx(0.85, abs=0.05)


TWO_OBJECTS = make_question("detection", {"boxes": [[100, 150, 300, 350], [600, 600, 700, 700]]})


@pytest.mark.parametrize(
    ("name", "boxes", "valid", "sure"),
    [
        ("no objects always", 0, 0, 0),
        ("whole image box", 1, 1, 1),
        ("zero confidence spam", 50, 50, 50),
        ("missed with confidence below 0", 1, 1, 0),
        ("out of range box", 1, 0, 0),
        ("nan box", 1, 0, 0),
        ("point box", 1, 0, 0),
        ("y1 copied", 1, 1, 1),
        ("y1 in words", 0, 0, 0),
        ("copied template", 1, 0, 0),
        ("hidden in the reasoning", 0, 0, 0),
        ("two answers", 0, 0, 0),
    ],
)
def test_what_a_cheat_at_detection_amounts_to(name: str, boxes: int, valid: int, sure: int) -> None:
    answer = parse_detection(respond(cheat("detection", name), TWO_OBJECTS))
    confidences = [detection.confidence for detection in answer.detections]
    assert (answer.n_boxes, len(confidences)) == (boxes, valid)
    assert sum(confidence is not None for confidence in confidences) == sure


@pytest.mark.parametrize(
    ("name", "boxes"),
    [
        ("one box only", lambda n: 1),
        ("duplicates", lambda n: 3 * n),
        ("jittered duplicates", lambda n: 3 * n),
        ("concentric boxes", lambda n: 3 * n),
        ("padding", lambda n: n + 5),
        ("padding to the count", lambda n: max(n, 2)),
        ("copies to the count", lambda n: max(n, 2)),
        ("inverted boxes", lambda n: n),
        ("nan confidence", lambda n: n),
        ("bare list", lambda n: n),
        ("prompt ellipsis", lambda n: n),
    ],
)
def test_how_a_cheat_changes_the_honest_answer(name: str, boxes: object) -> None:
    seeds = [seed for seed in range(30) if parse_detection(respond(HONEST["detection"], TWO_OBJECTS, seed)).n_boxes]
    assert len(seeds) > 20
    for seed in seeds:
        honest = parse_detection(respond(HONEST["detection"], TWO_OBJECTS, seed))
        answer = parse_detection(respond(cheat("detection", name), TWO_OBJECTS, seed))
        assert answer.n_boxes == boxes(honest.n_boxes)
        if name == "inverted boxes":
            assert answer.invalid == honest.n_boxes
        else:
            assert answer.detections[0].box in {detection.box for detection in honest.detections}


@pytest.mark.parametrize("name", ["grid of 1000 boxes", "thousand copies"])
def test_a_flood_writes_1000_boxes(name: str) -> None:
    response = respond(cheat("detection", name), TWO_OBJECTS, seed=1)
    assert response.count("'Position'") == 1000
    assert parse_detection(response).n_boxes > 300


def test_cheats_follow_the_extent_of_the_coordinates() -> None:
    question = make_question("detection", {"boxes": [[10, 10, 200, 90]], "extent": [400, 100]})
    answer = parse_detection(respond(cheat("detection", "whole image box"), question), (400, 100))
    assert answer.detections[0].box == (0, 0, 400, 100)


def test_under_paper_the_surest_box_alone_and_blind_certainty_beat_honesty() -> None:
    names = {"one box only", "confidence 1", "copied reasoning", "padding", "no objects always"}
    assert winners(contest_of("paper", "detection", names)) == {"one box only", "confidence 1"}


def test_under_reference_y1_alone_beats_honesty() -> None:
    pytest.importorskip("math_verify")
    names = {"y1 copied", "confidence 100", "no objects always", "one box only"}
    assert winners(contest_of("reference", "detection", names, size=100)) == {"y1 copied", "confidence 100"}


def test_the_kinds_of_questions_make_up_all() -> None:
    (contest,) = audit("paper", ["detection"], size=80).contests
    parts = {kind: stratum.n for kind, stratum in contest.strata.items()}
    assert parts["all"] == contest.n_questions == parts["no object"] + parts["with objects"]
    assert parts["with objects"] == parts["one object"] + parts["several objects"]
    assert parts["with objects"] == parts["small objects"] + parts["large objects"]
    assert min(parts.values()) > 5
    for standing in contest.standings:
        assert standing.leads["all"].mean == pytest.approx(standing.lead)
        total = sum(parts[kind] * standing.leads[kind].mean for kind in ("no object", "one object", "several objects"))
        assert total == pytest.approx(parts["all"] * standing.lead)


def test_what_is_simply_right_of_some_questions_is_marked_there_alone() -> None:
    names = {"no objects always", "never no objects", "one box only"}
    leads = {s.policy.name: s.leads for s in contest_of("robust", "detection", names).standings}
    right = {name: {kind for kind, lead in kinds.items() if lead.is_right} for name, kinds in leads.items()}
    with_objects = {"with objects", "one object", "several objects", "small objects", "large objects"}
    assert right == {
        "no objects always": {"no object"},
        "never no objects": with_objects,
        "one box only": {"one object"},
    }
    for name, kind in (("no objects always", "no object"), ("never no objects", "with objects")):
        assert leads[name][kind].is_clear and leads[name]["all"].mean < 0


def test_made_up_detection_has_negatives_crowds_and_small_objects() -> None:
    counts = [len(question.truth.boxes) for question in built_in("detection", 1000, seed=0)]
    assert fmean(count == 0 for count in counts) == pytest.approx(0.25, abs=0.05)
    assert fmean(count > 1 for count in counts if count) == pytest.approx(0.5, abs=0.07)
    areas = [area(box) / 1e6 for question in built_in("detection", 1000, seed=0) for box in question.truth.boxes]
    assert median(areas) < 0.1 < max(areas)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_detection_on_coco(seed: int) -> None:
    assert_honesty_wins(shared(COCO), "detection", seed)
