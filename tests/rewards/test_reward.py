# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a function or class of one's own gets, and what becomes of what it returns."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest

from verl_visual_rft.errors import RewardError, UserError
from verl_visual_rft.rewards import make_sample, score
from verl_visual_rft.rewards.reward import Reward, make_reward
from verl_visual_rft.tasks import task_names

BOX = "<answer>[{'Position': [0, 0, 10, 10], 'Confidence': 0.5}]</answer>"
TRUTHS = {
    "detection": {"boxes": [[0, 0, 10, 10]]},
    "classification": {"label": "rose"},
    "grounding": {"box": [0, 0, 1, 1]},
    "counting": {"count": 1},
    "pointing": {"targets": []},
    "labelled_detection": {"categories": ["rose"], "objects": []},
}


def reward_of(loaded: Any) -> Reward:
    return make_reward("mine", loaded, "reward 'mine' (here:mine of package mine)", trusted=False)


def constant(value: Any) -> Any:
    return lambda answer: value


def test_only_the_arguments_that_it_names_are_passed() -> None:
    def all_of_them(task, response, answer, truth, ground_truth, image_size, extra_info):  # type: ignore[no-untyped-def]
        assert answer.detections[0].box == truth.boxes[0]
        return {
            "score": len(response),
            "width": image_size[0],
            "index": extra_info["index"],
            "known": task in task_names(),
        }

    given: dict[str, Any] = {"image_size": (640, 480), "extra_info": {"index": 7}}
    result = score("detection", BOX, TRUTHS["detection"], reward_of(all_of_them), **given)
    assert (result["score"], result["width"], result["index"], result["known"]) == (len(BOX), 640, 7, 1)

    def with_default(truth, scale=2.0):  # type: ignore[no-untyped-def]
        return scale * len(truth.boxes)

    assert score("detection", BOX, TRUTHS["detection"], reward_of(with_default))["score"] == 2.0


def test_a_function_scores_every_task_and_a_class_those_it_has_methods_for() -> None:
    class Counting:
        def detection(self, answer):  # type: ignore[no-untyped-def]
            return len(answer.detections)

    for task in task_names():
        assert score(task, BOX, TRUTHS[task], reward_of(constant(0.25)))["score"] == 0.25
    assert score("detection", BOX, TRUTHS["detection"], reward_of(Counting()))["score"] == 1.0
    with pytest.raises(UserError, match="'mine' cannot score grounding, only detection"):
        score("grounding", BOX, TRUTHS["grounding"], reward_of(Counting()))


@pytest.mark.parametrize("value", [1, 0.5, True, Fraction(1, 2), {"score": 1, "part": 0.5}])
def test_numbers_become_floats(value: Any) -> None:
    result = reward_of(constant(value))(make_sample("detection", BOX, TRUTHS["detection"]))
    assert all(type(number) is float for number in result.values())


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (math.nan, "'score' is not finite"),
        (-math.inf, "'score' is not finite"),
        (None, "'score' is not a number"),
        ("1.0", "'score' is not a number"),
        ([1.0], "'score' is not a number"),
        ({"iou": 1.0}, 'it has no "score"'),
        ({"score": 1.0, "iou": math.nan}, "'iou' is not finite"),
        ({"score": 1.0, 3: 1.0}, "3 is not a number"),
    ],
)
def test_another_result_is_an_error_that_shows_it(value: Any, fault: str) -> None:
    with pytest.raises(RewardError, match=f"reward 'mine' .* returned .* for a detection response: {fault}"):
        score("detection", BOX, TRUTHS["detection"], reward_of(constant(value)))


def test_what_it_raises_is_named_and_chained() -> None:
    def broken(answer):  # type: ignore[no-untyped-def]
        return answer.detections[5]

    with pytest.raises(RewardError, match="reward 'mine' .* raised IndexError on a detection response") as caught:
        score("detection", BOX, TRUTHS["detection"], reward_of(broken))
    assert isinstance(caught.value.__cause__, IndexError)


def test_an_argument_that_there_is_none_of_is_refused_when_it_is_loaded() -> None:
    with pytest.raises(UserError, match="asks for an argument 'picture' .* may ask for task, response, answer, truth"):
        reward_of(lambda answer, picture: 0.0)


@pytest.mark.parametrize("loaded", [object(), 3, "iou"])
def test_what_is_no_reward(loaded: Any) -> None:
    with pytest.raises(UserError, match="is no reward: it is neither a function nor has it a method detection"):
        reward_of(loaded)


@pytest.mark.parametrize(
    ("declared", "ranges"),
    [((0, 2), {"detection": (0.0, 2.0)}), ({"detection": (0, 1), "grounding": (0, 9)}, {"detection": (0.0, 1.0)}),
     (None, {})],
)  # fmt: skip
def test_range_of_each_task(declared: Any, ranges: dict[str, tuple[float, float]]) -> None:
    class Counting:
        range = declared

        def detection(self, answer):  # type: ignore[no-untyped-def]
            return 0.0

    assert reward_of(Counting()).ranges == ranges


def test_a_range_that_is_none() -> None:
    class Counting:
        range = "0 to 1"

        def detection(self, answer):  # type: ignore[no-untyped-def]
            return 0.0

    with pytest.raises(UserError, match="a range '0 to 1' that is no pair of numbers"):
        reward_of(Counting())


@pytest.mark.parametrize(
    ("declared", "thresholds"),
    [(0.7, {"mine": 0.7}), (1, {"mine": 1}), (None, {}), ([0.5, 0.75], {}), ("0.5", {}), (0, {}), (1.5, {}), (True, {}),
     (math.nan, {})],
)  # fmt: skip
def test_an_iou_threshold_is_a_number_in_0_1_or_something_else(declared: Any, thresholds: dict[str, float]) -> None:
    class Mine:
        iou_threshold = declared

        def detection(self) -> float:
            return 1.0

    assert reward_of(Mine()).thresholds == thresholds
