# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.answers.notations import MAX_BOXES
from verl_visual_rft.boxes import iou, match_greedy
from verl_visual_rft.rewards import load_reward, score

TRUTH = {"boxes": [[100, 150, 300, 350]]}
TWO = {"boxes": [[100, 150, 300, 350], [600, 600, 700, 700]]}
NOTHING: dict[str, list] = {"boxes": []}
PERFECT, GOOD, AWAY = "[100, 150, 300, 350]", "[110, 160, 300, 350]", "[0, 900, 50, 1000]"  # IoU 1, 0.9025, 0


def box(position: object, confidence: object) -> str:
    return f"{{'Position': {position}, 'Confidence': {confidence}}}"


def answered(*boxes: str) -> str:
    return f"<think> a cat </think> <answer>[{', '.join(boxes)}]</answer>"


def with_thinking(thinking: str) -> str:
    return f"<think>{thinking}</think> <answer>[{box(PERFECT, 1)}]</answer>"


NO_OBJECTS = "<think> no cat </think> <answer>No Objects</answer>"


@pytest.mark.parametrize(
    ("response", "truth", "expected"),
    [
        pytest.param(answered(box(PERFECT, 1)), TRUTH, (1, 1, 1), id="perfect"),
        pytest.param(answered(box(PERFECT, 0.5)), TRUTH, (1, 0.75, 1), id="unsure of a perfect box"),
        pytest.param(answered(box("[100, 150, 300, 250]", 0.5)), TRUTH, (0.5, 0.25, 1), id="half a box, half sure"),
        pytest.param(answered(box("[100, 150, 300, 250]", 1)), TRUTH, (0.5, 0, 1), id="half a box, too sure"),
        pytest.param(answered(box("[100, 150, 300, 180]", 0.15)), TRUTH, (0.15, 0.0225, 1), id="dense below 0.5"),
        pytest.param(
            answered(box("[100, 150, 300, 169]", 0.1)), TRUTH, (0, -0.01, 1), id="below 0.1: not on the object"
        ),
        pytest.param(answered(box(AWAY, 0)), TRUTH, (0, 0, 1), id="miss with confidence 0"),
        pytest.param(answered(box(AWAY, 0.5)), TRUTH, (0, -0.25, 1), id="miss, half sure"),
        pytest.param(answered(box(AWAY, 1)), TRUTH, (0, -1, 1), id="miss, sure"),
        pytest.param(answered(box(AWAY, "NaN")), TRUTH, (0, -1, 0), id="the least that can be earned"),
        pytest.param(answered(box(PERFECT, 1)), TWO, (2 / 3, 1, 1), id="one object missed"),
        pytest.param(answered(box(PERFECT, 1), box(AWAY, 0)), TRUTH, (2 / 3, 0.5, 1), id="surplus box"),
        pytest.param(answered(box(PERFECT, 1), box(AWAY, 0)), TWO, (0.5, 0.5, 1), id="a miss that claims nothing"),
        pytest.param(answered(box(PERFECT, 1), box(AWAY, 0.8)), TWO, (0.5, 0.18, 1), id="a miss that claims much"),
        pytest.param(
            answered(box(PERFECT, 0.5), box(AWAY, 1)),
            TWO,
            (0.5, -0.125, 1),
            id="a miss that claims more than the hit is worth",
        ),
        pytest.param(answered(box(PERFECT, 1), box(AWAY, "NaN")), TWO, (0.5, 0, 0), id="hidden confidence on a miss"),
        pytest.param(answered(box(PERFECT, "NaN")), TRUTH, (1, 0, 0), id="hidden confidence on a hit"),
        pytest.param(
            answered(box("[100, 150, 300, 210]", "NaN")), TRUTH, (0.3, -0.4, 0), id="hidden confidence on a poor hit"
        ),
        pytest.param(answered(box(PERFECT, 1), box("[1, 2]", 0.5)), TRUTH, (2 / 3, 0.375, 0), id="box not valid"),
        pytest.param(NO_OBJECTS, NOTHING, (1, 1, 1), id="true negative"),
        pytest.param(answered(box(PERFECT, 0)), NOTHING, (0, 0, 1), id="false alarm that claims nothing"),
        pytest.param(answered(box(PERFECT, 0.6), box(AWAY, 0)), NOTHING, (0, -0.18, 1), id="false alarm"),
        pytest.param(answered(box(PERFECT, 0.6), box("[1]", "NaN")), NOTHING, (0, -0.68, 0), id="and a box not valid"),
        pytest.param("<think> a </think> <answer>[{</answer>", NOTHING, (0, 0, 0), id="malformed, nothing there"),
        pytest.param(NO_OBJECTS, TRUTH, (0, 0, 1), id="false negative"),
        pytest.param("", TRUTH, (0, 0, 0), id="empty"),
        pytest.param("", NOTHING, (0, 0, 0), id="empty, nothing there"),
        pytest.param(answered(box(PERFECT, 1), "..."), TRUTH, (1, 1, 0), id="repaired"),
        pytest.param(answered(box(PERFECT, 1))[: -len("</answer>")], TRUTH, (1, 1, 0), id="not closed"),
        pytest.param(with_thinking("ein Hund 犬"), TRUTH, (1, 1, 1), id="thinking in any language"),
        pytest.param(with_thinking(""), TRUTH, (1, 1, 0), id="no thinking"),
        pytest.param(with_thinking(" ... "), TRUTH, (1, 1, 0), id="dots"),
        pytest.param(with_thinking(" … 1 2 3"), TRUTH, (1, 1, 0), id="no word"),
        pytest.param(with_thinking(" The thinking process... "), TRUTH, (1, 1, 0), id="the prompt's wording"),
        pytest.param(with_thinking("<answer></answer>"), TRUTH, (1, 1, 0), id="only tags"),
    ],
)
def test_robust(response: str, truth: dict[str, list], expected: tuple[float, float, float]) -> None:
    result = score("detection", response, truth, "robust")
    assert (result["iou"], result["confidence"], result["format"]) == pytest.approx(expected)
    assert result["score"] == pytest.approx(2 * expected[0] + 0.5 * expected[1] + 0.5 * expected[2])


# One object, IoU 0.54: what a model in the middle of its training answers in good faith. No pair of policies below
# looks at the truth, so each is what a model that cannot see could learn.
HONEST = answered(box("[130, 190, 330, 350]", 0.55))
CHEATS = {
    "any box, confidence 0": answered(box(AWAY, 0)),
    "any box, confidence NaN": answered(box(AWAY, "NaN")),
    "giant box": answered(box("[0, 0, 1000, 1000]", 0.04)),
    "giant box, sure": answered(box("[0, 0, 1000, 1000]", 1)),
    "No Objects always": NO_OBJECTS,
    "grid of boxes": answered(
        *(box([x, y, x + 200, y + 200], 0) for x in range(0, 900, 100) for y in range(0, 900, 100))
    ),
    "1000 boxes": answered(*(box([i % 900, i // 2, i % 900 + 100, i // 2 + 100], 0) for i in range(1000))),
    "inverted box": answered(box("[330, 350, 130, 190]", 0)),
    "out of range": answered(box("[-1e9, -1e9, 1e9, 1e9]", 0)),
    "NaN box": answered(box("[NaN, NaN, NaN, NaN]", 0)),
    "template": "<think> ... </think> <answer>[{'Position': [x1, y1, x2, y2], 'Confidence': number}, ...]</answer>",
    "y1 of the truth": answered(box("[700, 150, 720, 160]", 1)),
    "hidden in the reasoning": f"<think> [{box(PERFECT, 1)}] </think> <answer></answer>",
    "empty answer": "<think> a cat </think> <answer></answer>",
    "empty": "",
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_no_cheat_beats_an_honest_answer(cheat: str) -> None:
    honest, cheating = (score("detection", text, TRUTH, "robust")["score"] for text in (HONEST, CHEATS[cheat]))
    assert cheating < honest - 1


@pytest.mark.parametrize("copies", [2, 3, 10, 1000])
def test_duplicates_of_an_honest_box_do_not_pay(copies: int) -> None:
    flood = HONEST.replace("}]", "}" + ", {'Position': [130, 190, 330, 350], 'Confidence': 0.55}" * (copies - 1) + "]")
    honest, flooded = (score("detection", text, TRUTH, "robust") for text in (HONEST, flood))
    assert flooded["iou"] <= honest["iou"] * 2 / (min(copies, MAX_BOXES) + 1) + 1e-9
    assert flooded["score"] < honest["score"]


def test_the_papers_reward_is_gamed_by_confidence_0_and_ours_is_not() -> None:
    cheat = CHEATS["any box, confidence 0"]
    assert score("detection", cheat, TRUTH, "paper")["score"] == 2.0
    assert score("detection", cheat, TRUTH, "robust")["score"] == 0.5
    # Two honest answers of a middling model: one box that counts as found and one that just misses tau.
    nearly = answered(box("[150, 190, 330, 370]", 0.5))
    for reward, honesty_pays in (("paper", False), ("robust", True)):
        honest = sum(score("detection", text, TRUTH, reward)["score"] for text in (HONEST, nearly)) / 2
        assert (honest > score("detection", cheat, TRUTH, reward)["score"]) is honesty_pays


def test_a_blind_policy_earns_less_than_a_seeing_one_over_positives_and_negatives() -> None:
    blind = [NO_OBJECTS, CHEATS["giant box"], CHEATS["any box, confidence 0"]]
    truths = [TRUTH] * 7 + [NOTHING] * 3
    seeing = sum(score("detection", HONEST if t["boxes"] else NO_OBJECTS, t, "robust")["score"] for t in truths)
    for response in blind:
        assert sum(score("detection", response, t, "robust")["score"] for t in truths) < seeing


proper_box = st.tuples(st.integers(0, 800), st.integers(0, 800), st.integers(20, 200), st.integers(20, 200)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
confidence = st.integers(0, 100).map(lambda percent: percent / 100)
# Of equally sure boxes the order of the answer decides.
predicted = st.lists(st.tuples(proper_box, confidence), min_size=1, max_size=6, unique_by=lambda given: given[1])
present = st.lists(proper_box, min_size=1, max_size=4)


def scored(predictions: list, truths: list) -> dict[str, float]:
    return score("detection", answered(*(box(list(b), c) for b, c in predictions)), {"boxes": truths}, "robust")


@given(predicted, present)
def test_components_and_total_are_bounded(predictions: list, truths: list) -> None:
    # Boxes near the truths, so that hits are common.
    near = [((t[0] + 5, t[1], t[2], t[3]), c) for t, (_, c) in zip(truths, predictions, strict=False)]
    low, high = load_reward("robust").ranges["detection"]
    for result in (scored(predictions, truths), scored(near + predictions, truths)):
        assert low <= result["score"] <= high
        assert all(0 <= result[name] <= 1 for name in ("iou", "format"))
        assert -1 <= result["confidence"] <= 1


@given(predicted, present, st.randoms(use_true_random=False))
def test_the_order_of_the_answer_does_not_matter(predictions: list, truths: list, order: random.Random) -> None:
    shuffled = order.sample(predictions, len(predictions))
    assert scored(shuffled, truths) == pytest.approx(scored(predictions, truths))


def test_of_equally_sure_boxes_the_first_chooses() -> None:
    rivals = [box(PERFECT, 0.5), box("[100, 150, 300, 250]", 0.5)]
    first, second = (score("detection", answered(*order), TRUTH, "robust") for order in (rivals, rivals[::-1]))
    assert (first["iou"], second["iou"]) == pytest.approx((2 / 3, 1 / 3))


def honest_about(predictions: list, truths: list) -> list:
    """The same boxes, their confidence what they are worth: 0 on a miss, twice the same included."""
    order = sorted(predictions, key=lambda prediction: -prediction[1])
    matches = match_greedy([position for position, _ in order], truths, 0.1)
    return [(position, overlap) for (position, _), (_, overlap) in zip(order, matches, strict=True)]


@given(predicted, present, proper_box, confidence)
def test_a_box_on_no_object_never_pays(predictions: list, truths: list, junk: tuple, sure: float) -> None:
    predictions = honest_about(predictions, truths)
    if any(iou(junk, truth) > 0 for truth in truths):
        junk = (900, 900, 1000, 1000) if all(t[2] <= 900 or t[3] <= 900 for t in truths) else (0, 0, 1, 1)
    assert all(iou(junk, truth) < 0.1 for truth in truths)
    assert scored([*predictions, (junk, sure)], truths)["score"] <= scored(predictions, truths)["score"] + 1e-9


@given(predicted, proper_box)
def test_with_one_object_repeating_any_box_never_pays(predictions: list, truth: tuple) -> None:
    near = [*predictions, ((truth[0], truth[1], truth[2] - 5, truth[3]), 0.7)]
    near = honest_about(near, [truth])
    before = scored(near, [truth])["score"]
    for repeated in near:
        assert scored([*near, repeated], [truth])["score"] <= before + 1e-9


@given(st.lists(st.integers(20, 200), min_size=2, max_size=2, unique=True).map(sorted), confidence)
def test_a_closer_box_pays_more(heights: list[int], sure: float) -> None:
    """The truth is 200 high; with the confidence at the IoU or fixed, every pixel gained pays."""
    truth = [(100, 150, 300, 350)]
    worse, better = (scored([((100, 150, 300, 150 + h), h / 200)], truth) for h in heights)
    assert better["score"] > worse["score"]
    worse, better = (scored([((100, 150, 300, 150 + h), sure)], truth) for h in heights)
    assert better["score"] > worse["score"]


def test_the_first_version_stays_as_it_was() -> None:
    """What runs were trained by: the term is divided by N, never below 0, and a false alarm costs nothing."""
    cases = [
        (answered(box(PERFECT, 1)), TWO, (2 / 3, 2 / 3)),
        (answered(box(PERFECT, 1), box(AWAY, 0.8)), TWO, (0.5, 0.18)),
        (answered(box(PERFECT, 0.5), box(AWAY, 1)), TWO, (0.5, 0)),
        (answered(box(AWAY, 1)), NOTHING, (0, 0)),
        (NO_OBJECTS, NOTHING, (1, 1)),
        (NO_OBJECTS, TRUTH, (0, 0)),
    ]
    for response, truth, expected in cases:
        result = score("detection", response, truth, "robust-1")
        assert (result["iou"], result["confidence"]) == pytest.approx(expected)
        assert result["score"] == pytest.approx(2 * expected[0] + 0.5 * expected[1] + 0.5)
    gamed = "<think> red </think> <answer>rose, tulip, daisy, lily or violet</answer>"
    assert [score("classification", gamed, {"label": "rose"}, name)["accuracy"] for name in ("robust-1", "robust")] == [
        1,
        0,
    ]
    assert load_reward("robust-1").ranges["detection"] == (0, 3)
