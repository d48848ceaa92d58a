# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from random import Random
from statistics import correlation, fmean

import pytest

from verl_visual_rft.answers import Outcome
from verl_visual_rft.boxes import iou
from verl_visual_rft.rewards.audit.truth_sets import built_in
from verl_visual_rft.tasks import load_task, task_names
from verl_visual_rft.tasks.audited import SKILLS, Policy, audited
from verl_visual_rft.tasks.audited.question import Question, make_question
from verl_visual_rft.tasks.classification import parse_classification
from verl_visual_rft.tasks.detection import parse_detection
from verl_visual_rft.tasks.detection.audit import BLIND
from verl_visual_rft.tasks.grounding import parse_grounding

TASKS = task_names()
PLAYED = {task: audited(load_task(task)) for task in TASKS}
HONEST = {task: played.honest for task, played in PLAYED.items()}
CHEATS = {task: played.cheats for task, played in PLAYED.items()}

ALL = [
    pytest.param(task, policy, id=f"{task}, {policy.name}")
    for task in TASKS
    for policy in (HONEST[task], *CHEATS[task])
]
KNOW_A_NUMBER = {"y1 copied", "y1 in words"}


def respond(policy: Policy, question: Question, seed: int = 0) -> str:
    return policy.respond(question, Random(seed))


def cheat(task: str, name: str) -> Policy:
    return next(policy for policy in CHEATS[task] if policy.name == name)


@pytest.mark.parametrize("task", TASKS)
def test_names_are_unique(task: str) -> None:
    names = [policy.name for policy in (HONEST[task], *CHEATS[task])]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("task", "policy"), ALL)
def test_a_policy_says_in_one_line_what_it_tries_and_answers_the_same_for_the_same_seed(
    task: str, policy: Policy
) -> None:
    assert policy.description
    assert "\n" not in policy.description
    for question in built_in(task, 20, seed=1):
        assert respond(policy, question) == respond(policy, question)


@pytest.mark.parametrize("policy", [pytest.param(p, id=p.name) for p in BLIND if p.name not in KNOW_A_NUMBER])
def test_a_blind_policy_does_not_look_at_the_picture(policy: Policy) -> None:
    assert len({respond(policy, question) for question in built_in("detection", 20, seed=1)}) == 1


@pytest.mark.parametrize("task", TASKS)
def test_a_blind_policy_answers_the_same_however_well_honesty_sees(task: str) -> None:
    for question in built_in(task, 5, seed=1):
        asked = [replace(question, skill=skill) for skill in SKILLS]
        for policy in CHEATS[task]:
            if policy.blind:
                assert len({respond(policy, one) for one in asked}) == 1, policy.name


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


def test_the_honest_classifier_is_right_60_percent_of_the_time() -> None:
    questions = built_in("classification", 1000, seed=1)
    answers = [parse_classification(respond(HONEST["classification"], q, i)) for i, q in enumerate(questions)]
    assert all(answer.outcome is Outcome.WELL_FORMED for answer in answers)
    assert all(answer.label in question.names for answer, question in zip(answers, questions, strict=True))
    right = [answer.label == question.truth.label for answer, question in zip(answers, questions, strict=True)]
    assert fmean(right) == pytest.approx(0.6, abs=0.05)


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
