# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a policy learns from `robust`: exact expectations of its reward over all that a policy cannot know.

A question has no object, or one to five of equal size far apart. For every object the policy has one box, whose IoU is
`QUALITY` with the hit probability and 0 otherwise, all independent; where nothing is there, it answers as many boxes.
"""

from __future__ import annotations

from itertools import product
from math import comb
from pathlib import Path

import pytest

from verl_visual_rft.answers import Outcome
from verl_visual_rft.rewards.brought import Robust1Reward, RobustReward
from verl_visual_rft.tasks.detection import Detection, DetectionAnswer, DetectionTruth, parse_detection

QUALITY = 0.8
P_HIT = (0.1, 0.3, 0.5, 0.7, 0.9)
COUNTS = (1, 2, 3, 4, 5)
NEGATIVES = (0.0, 0.1, 0.25, 0.5)
GRID = [percent / 100 for percent in range(0, 101, 2)]

OBJECTS = [(200.0 * i, 0.0, 200.0 * i + 100, 100.0) for i in range(5)]
HITS = [(x1, y1, x2, QUALITY * y2) for x1, y1, x2, y2 in OBJECTS]
MISSES = [(x1, 500.0, x2, 600.0) for x1, _, x2, _ in OBJECTS]
DENIAL = parse_detection("<think> no cat </think> <answer>No Objects</answer>")


def answer(boxes: list, confidence: float) -> DetectionAnswer:
    detections = tuple(Detection(box, confidence) for box in boxes)
    return DetectionAnswer(Outcome.WELL_FORMED, "", True, "a cat", detections, ())


def expected(reward: RobustReward, p_hit: float, count: int, p_negative: float, confidence: float) -> float:
    """The mean score of `count` boxes at one confidence."""
    truth = DetectionTruth(tuple(OBJECTS[:count]))
    seen = sum(
        comb(count, hits)
        * p_hit**hits
        * (1 - p_hit) ** (count - hits)
        * reward.detection(answer(HITS[:hits] + MISSES[hits:count], confidence), truth)["score"]
        for hits in range(count + 1)
    )
    alarm = reward.detection(answer(MISSES[:count], confidence), DetectionTruth(()))["score"]
    return (1 - p_negative) * seen + p_negative * alarm


def best_confidence(reward: RobustReward, p_hit: float, count: int, p_negative: float) -> float:
    return max(GRID, key=lambda confidence: expected(reward, p_hit, count, p_negative, confidence))


@pytest.mark.parametrize("p_negative", NEGATIVES)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("p_hit", P_HIT)
def test_the_best_confidence_is_what_a_box_can_be_expected_to_be_worth(
    p_hit: float, count: int, p_negative: float
) -> None:
    worth = (1 - p_negative) * p_hit * QUALITY
    assert best_confidence(RobustReward(), p_hit, count, p_negative) == pytest.approx(worth, abs=0.0101)


@pytest.mark.parametrize("counts", [(1, 5), (1, 2, 3, 5)])
def test_it_is_so_in_a_mixture_of_counts_that_the_policy_does_not_know(counts: tuple[int, ...]) -> None:
    """One box always; it hits more often where there are more objects, and N is larger there."""
    p_hits = {1: 0.2, 2: 0.4, 3: 0.6, 5: 0.9}

    def mean(confidence: float) -> float:
        total = 0.0
        for count, hits in product(counts, (False, True)):
            truth = DetectionTruth(tuple(OBJECTS[:count]))
            weight = p_hits[count] if hits else 1 - p_hits[count]
            boxes = HITS[:1] if hits else MISSES[:1]
            total += weight * RobustReward().detection(answer(boxes, confidence), truth)["score"]
        return total / len(counts)

    worth = QUALITY * sum(p_hits[count] for count in counts) / len(counts)
    assert max(GRID, key=mean) == pytest.approx(worth, abs=0.0101)


def test_what_is_sure_on_one_object_is_no_longer_all_the_same() -> None:
    """The first version: the best confidence is 0.8 at every hit probability, without and with false alarms."""
    for p_negative in (0.0, 0.25):
        old, new = (
            [best_confidence(reward, p_hit, 1, p_negative) for p_hit in P_HIT]
            for reward in (Robust1Reward(), RobustReward())
        )
        assert old == [QUALITY] * len(P_HIT)
        assert new == sorted(new) and len(set(new)) == len(new)
    assert [best_confidence(RobustReward(), p_hit, 1, 0.0) for p_hit in P_HIT] == [0.08, 0.24, 0.4, 0.56, 0.72]


def test_the_surer_of_two_boxes_that_the_policy_can_tell_apart_gets_the_higher_confidence() -> None:
    """Each at its own expectation earns more than both at any common one."""
    common = [sum(expected(RobustReward(), p_hit, 1, 0.25, confidence) for p_hit in (0.2, 0.9)) for confidence in GRID]
    own = sum(expected(RobustReward(), p_hit, 1, 0.25, 0.75 * p_hit * QUALITY) for p_hit in (0.2, 0.9))
    assert own > max(common) + 0.04


@pytest.mark.parametrize(("quality", "pays_below"), [(1.0, 0.52), (0.8, 0.58), (0.5, 0.70)])
def test_no_objects_pays_below_the_probability_that_the_docstring_gives(quality: float, pays_below: float) -> None:
    assert f"{pays_below:.2f} for e = {quality:g}" in (RobustReward().detection.__doc__ or "")
    reward = RobustReward()
    truth, absent = DetectionTruth((OBJECTS[0],)), DetectionTruth(())
    x1, y1, x2, y2 = OBJECTS[0]

    def lead(present: float) -> float:
        """Of a box over "No Objects", where the object is there with a probability."""
        box = answer([(x1, y1, x2, quality * y2)], present * quality)
        scores = [
            present * reward.detection(given, truth)["score"] + (1 - present) * reward.detection(given, absent)["score"]
            for given in (box, DENIAL)
        ]
        return scores[0] - scores[1]

    assert lead(pays_below - 0.01) < 0 < lead(pays_below + 0.01)


def denial_pays_from(p_hit: float, count: int) -> float:
    """The least whole percentage of negatives at which "No Objects" always earns more than boxes always."""
    reward = RobustReward()
    scores = [reward.detection(DENIAL, DetectionTruth(truth))["score"] for truth in (tuple(OBJECTS[:count]), ())]
    low, high = 0, 100
    while high - low > 1:
        share = (low + high) // 2 / 100
        boxes = expected(reward, p_hit, count, share, (1 - share) * p_hit * QUALITY)
        denied = (1 - share) * scores[0] + share * scores[1]
        low, high = (low, (low + high) // 2) if denied > boxes else ((low + high) // 2, high)
    return high


def table_of_the_documentation() -> dict[float, list[str]]:
    page = (Path(__file__).parents[3] / "docs/rewards.md").read_text(encoding="utf-8")
    lines = page.split("| a box hits with |")[1].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {float(first): others for first, *others in cells}


@pytest.mark.parametrize("count", COUNTS)
def test_the_table_of_the_documentation_is_so_for_any_number_of_objects(count: int) -> None:
    table = table_of_the_documentation()
    assert [*table] == [*P_HIT]
    for p_hit, (*confidences, pays_from) in table.items():
        reward = RobustReward()
        for share, confidence in zip(NEGATIVES, map(float, confidences), strict=True):
            own = expected(reward, p_hit, count, share, confidence)
            assert own > max(expected(reward, p_hit, count, share, confidence + off) for off in (-0.01, 0.01))
        assert f"{denial_pays_from(p_hit, count)} %" == pays_from


@pytest.mark.parametrize("found", [1, 2, 3, 4])
def test_a_further_box_pays_if_its_expected_overlap_is_more_than_half_of_the_component(found: int) -> None:
    """Of five objects some are found; one box more hits another with a probability."""
    reward, truth = RobustReward(), DetectionTruth(tuple(OBJECTS))
    before, missed, hit = (
        reward.detection(answer(HITS[:found] + further, QUALITY), truth)["iou"]
        for further in ([], MISSES[:1], [HITS[found]])
    )
    pays_from = before / 2 / QUALITY
    for p_hit, pays in ((pays_from - 0.01, False), (pays_from + 0.01, True)):
        assert (p_hit * hit + (1 - p_hit) * missed > before) is pays
