# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pairs of points and targets, and what is paid for them; figures worked out by hand."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from verl_visual_rft.cli.explanation import render
from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import score
from verl_visual_rft.rewards.explain import explain
from verl_visual_rft.tasks import load_task, make_sample
from verl_visual_rft.tasks.findings import Finding
from verl_visual_rft.tasks.pointing.matching import gaussian, pair_up
from verl_visual_rft.tasks.pointing.target import BoxTarget

LEFT, RIGHT = {"box": [0, 0, 100, 100]}, {"box": [500, 0, 700, 100]}
BOTH = {"targets": [LEFT, RIGHT]}
THOUGHT = "<think> the left one is red </think>"
HALF = math.exp(-0.5)


def said(*points: tuple[float, float]) -> str:
    listed = ", ".join(f'{{"point_2d": [{x}, {y}]}}' for x, y in points)
    return f"{THOUGHT} <answer>[{listed}]</answer>" if points else f"{THOUGHT} <answer>No Objects</answer>"


def paid(points: list[tuple[float, float]], truth: Any, reward: str = "robust") -> dict[str, float]:
    return score("pointing", said(*points), truth, reward)


@pytest.mark.parametrize(
    ("points", "truth", "hit", "near"),
    [
        ([(50, 50)], {"targets": [LEFT]}, 1, 1),
        ([(100.5, 50)], {"targets": [LEFT]}, 0, HALF),  # 50 from the middle beside rounding: one sigma
        ([(100, 50)], {"targets": [LEFT]}, 1, math.exp(-(49.5**2) / 50**2 / 2)),
        ([(50, 50), (50, 50)], {"targets": [LEFT]}, 0.5, 0.5),
        ([(50, 50)], BOTH, 0.5, 0.5),
        ([(50, 50), (600, 50)], BOTH, 1, 1),
        ([(600, 50), (50, 50)], BOTH, 1, 1),
        ([(50, 50), (700.5, 50)], BOTH, 0.25, (1 + math.sqrt(HALF)) ** 2 / 4),
        ([(50, 50), (600, 50), (600, 60)], BOTH, 4 / 6, 4 / 6),
        ([], BOTH, 0, 0),
        ([], {"targets": []}, 1, 1),
        ([(50, 50)], {"targets": []}, 0, 0),
    ],
)
def test_values_by_hand(points: list[tuple[float, float]], truth: Any, hit: float, near: float) -> None:
    result = paid(points, truth)
    assert (result["hit"], result["gaussian"]) == (pytest.approx(hit), pytest.approx(near))
    assert result["score"] == pytest.approx(1.5 * hit + 0.5 * near + 0.5)
    for component, value in (("hit", hit), ("gaussian", near)):
        assert paid(points, truth, f"{component}=1")["score"] == pytest.approx(value)


def test_a_point_that_is_not_valid_is_a_point() -> None:
    assert paid([(50, 50), (5000, 50)], {"targets": [LEFT]})["hit"] == 0.5


@pytest.mark.parametrize("response", ["", "<answer></answer>", THOUGHT, "x", said((9999, 9999))])
def test_an_empty_answer_earns_the_floor(response: str) -> None:
    assert score("pointing", response, BOTH)["score"] == 0


def test_the_width_of_the_gaussian_follows_alpha_and_the_target() -> None:
    small, large = BoxTarget((40, 40, 60, 60)), BoxTarget((0, 0, 100, 100))
    point = (70.5, 50)
    assert gaussian(point, small) == pytest.approx(math.exp(-2)) and gaussian(point, large) == pytest.approx(
        math.exp(-0.08)
    )
    truth = {"targets": [{"box": [40, 40, 60, 60]}]}
    narrow = score("pointing", said(point), truth, {"gaussian": {"weight": 1, "alpha": 0.25}})
    assert narrow["score"] == pytest.approx(math.exp(-8))
    for alpha in (0, -1, "wide", math.inf, True):
        with pytest.raises(UserError, match="option 'alpha' of component 'gaussian'"):
            score("pointing", said(point), truth, {"gaussian": {"weight": 1, "alpha": alpha}})


coordinates = st.tuples(st.integers(0, 100), st.integers(0, 100))
boxes = st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 60), st.integers(1, 60)).map(
    lambda b: BoxTarget((b[0], b[1], b[0] + b[2], b[1] + b[3]))
)


@given(st.lists(coordinates, max_size=8), st.lists(boxes, max_size=8))
def test_as_many_targets_are_hit_as_can_be(points: list[tuple[float, float]], targets: list[BoxTarget]) -> None:
    pairs = pair_up(points, targets)
    assert len({pair.point for pair in pairs}) == len({pair.target for pair in pairs}) == len(pairs)
    assert len(pairs) == min(len(points), len(targets))
    assert all(targets[pair.target].holds(points[pair.point]) is pair.inside for pair in pairs if pair.inside)
    if points and targets:
        inside = csr_array(np.array([[target.holds(point) for target in targets] for point in points], dtype=int))
        assert sum(pair.inside for pair in pairs) == (maximum_bipartite_matching(inside) >= 0).sum()


@given(st.lists(coordinates, max_size=8), st.lists(boxes, max_size=8))
def test_what_is_left_over_is_paired_nearest_first(points: list[tuple[float, float]], targets: list[BoxTarget]) -> None:
    pairs = pair_up(points, targets)
    hits, others = ([pair for pair in pairs if pair.inside is kind] for kind in (True, False))
    left = [
        (point, target)
        for point in range(len(points))
        for target in range(len(targets))
        if all(point != pair.point and target != pair.target for pair in hits)
    ]
    expected = []
    while left:
        best = max(left, key=lambda at: gaussian(points[at[0]], targets[at[1]]))
        expected.append(best)
        left = [(point, target) for point, target in left if point != best[0] and target != best[1]]
    assert [(pair.point, pair.target) for pair in others] == sorted(expected)


@given(st.lists(boxes, min_size=1, max_size=6, unique=True))
def test_the_gold_answer_earns_all_however_targets_overlap(targets: list[BoxTarget]) -> None:
    truth = {"targets": [target.content() for target in targets]}
    solution = make_sample("pointing", "", truth).truth.solution
    assert score("pointing", f"{THOUGHT} {solution}", truth)["score"] == pytest.approx(2.5)


@given(st.lists(coordinates, max_size=6), st.lists(boxes, max_size=6))
def test_the_range_holds_and_the_order_of_points_does_not_matter(
    points: list[tuple[float, float]], targets: list[BoxTarget]
) -> None:
    truth = {"targets": [target.content() for target in targets]}
    result, turned = paid(points, truth), paid(points[::-1], truth)
    assert 0 <= result["score"] <= 2.5 and 0 <= result["gaussian"] <= 1
    assert result["hit"] == turned["hit"]


def test_of_several_guesses_at_one_target_none_pays_but_the_best() -> None:
    """Under F1 the second of two guesses that are right with 0.4 and 0.3 would pay."""
    places = [(50, 50), (300, 300), (700, 700)]
    chances = [0.4, 0.3, 0.2]
    truths = [{"targets": [{"box": [x - 20, y - 20, x + 20, y + 20]}]} for x, y in places]
    worth = {
        count: max(
            sum(chance * paid(list(guess), truth)["hit"] for chance, truth in zip(chances, truths, strict=True))
            for guess in itertools.combinations(places, count)
        )
        for count in (1, 2, 3)
    }
    assert worth[1] == pytest.approx(0.4) and worth[2] == pytest.approx(0.35) and worth[3] == pytest.approx(0.3)


def test_a_flood_against_many_targets_is_paired_soon() -> None:
    rng = random.Random(0)
    targets = [
        BoxTarget((x, y, x + 300, y + 300)) for x, y in ((rng.randint(0, 99), rng.randint(0, 99)) for _ in range(99))
    ]
    points = [(rng.randint(100, 300), rng.randint(100, 300)) for _ in range(300)]
    assert sum(pair.inside for pair in pair_up(points, targets)) == 99


def test_an_explanation_shows_the_pairs() -> None:
    explanation = explain("pointing", said((50, 50), (710, 50)), BOTH)
    (rule,) = explanation.rules
    hit, miss = rule.matching.matches
    assert (hit.truth is not None, hit.quality, miss.truth) == (True, 1.0, None)
    assert miss.quality == pytest.approx(math.exp(-((109.5 / 100) ** 2) / 2))
    assert len(rule.matching.missed) == 1
    from rich.console import Console

    console = Console(width=160, record=True, file=open("/dev/null", "w"))
    console.print(render(explanation))
    text = console.export_text()
    assert "Gaussian" in text and "one to one" in text and "not found" in text and "IoU" not in text


@pytest.mark.parametrize(
    ("points", "found"),
    [
        ([(50, 50), (600, 50)], set()),
        ([(50, 50)], {Finding.MISSED}),
        ([(50, 50), (720, 50)], {Finding.BADLY_PLACED}),
        ([(50, 50), (900, 900)], {Finding.FALSE_ALARM, Finding.MISSED}),
        ([(50, 50), (600, 50), (601, 50)], {Finding.FALSE_ALARM}),
    ],
)
def test_findings(points: list[tuple[float, float]], found: set[Finding]) -> None:
    sample = make_sample("pointing", said(*points), BOTH)
    assert load_task("pointing").find(sample.answer, sample.truth) == found
