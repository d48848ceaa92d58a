# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from verl_visual_rft.evaluation.bootstrap import Interval
from verl_visual_rft.tasks.detection.metrics.calibration import calibrate
from verl_visual_rft.tasks.detection.metrics.matching import ClassMatches

DRAWS = np.ones((1, 4), dtype=int)


def boxes(*entries: tuple[float, bool, bool]) -> ClassMatches:
    """Boxes of picture 0: confidence, right, counted."""
    scores, right, counted = (np.array(column) for column in zip(*entries, strict=True))
    return ClassMatches(
        scores, np.zeros(len(scores), dtype=int), np.tile(right, (10, 1)), np.tile(counted, (10, 1)), np.ones(4)
    )


def test_error_is_the_mean_gap_of_the_bins():
    calibration = calibrate(
        [
            boxes((0.95, True, True), (0.91, False, True), (0.2, False, True)),
            boxes((1.0, True, True)),
        ],
        [],
        DRAWS,
    )
    assert (calibration.n, calibration.precision) == (4, 0.5)
    assert calibration.confidence == pytest.approx(0.765)
    # The bin 0.9 to 1.0 holds 0.95, 0.91 and 1.0 with 2 right, the bin 0.2 to 0.3 a wrong one.
    assert calibration.ece == pytest.approx((abs(2.86 - 2) + 0.2) / 4)
    filled = {bin.low: bin for bin in calibration.bins if bin.n}
    assert {low: (bin.n, bin.precision) for low, bin in filled.items()} == {
        0.2: (1, 0.0),
        0.9: (3, pytest.approx(2 / 3)),
    }
    assert filled[0.9].confidence == pytest.approx(2.86 / 3)


def test_boxes_on_crowds_and_without_confidence_are_left_out():
    calibration = calibrate([boxes((0.5, True, True), (0.7, False, False), (-1.0, True, True))], [], DRAWS)
    assert (calibration.n, calibration.confidence, calibration.precision) == (1, 0.5, 1.0)


@pytest.mark.parametrize("matches", [[], [boxes((-1.0, True, True))]])
def test_nothing_to_calibrate(matches):
    assert calibrate(matches, [], DRAWS) is None


def test_confidences_that_come_true_have_no_error():
    rng = np.random.default_rng(0)
    scores = rng.random(20_000)
    right = rng.random(20_000) < scores
    calibration = calibrate([boxes(*zip(scores, right, np.ones(20_000, dtype=bool), strict=True))], [], DRAWS)
    assert calibration.ece < 0.02


def test_the_localisation_aware_error_compares_with_the_iou():
    claims = [(0, 0.95, 0.8), (1, 0.93, 0.0), (2, 0.2, 0.2)]
    calibration = calibrate([boxes((0.95, True, True))], claims, DRAWS)
    assert calibration.la_ece == pytest.approx(abs(0.95 + 0.93 - 0.8) / 3)
    assert calibration.la_ece_interval.low <= calibration.la_ece <= calibration.la_ece_interval.high


def test_confidences_that_are_the_expected_iou_have_no_localisation_aware_error_but_a_plain_one():
    """What `robust` teaches: a box that hits with probability 0.5 at IoU 0.6 says 0.3."""
    rng = np.random.default_rng(0)
    hits = rng.random(4000) < 0.5
    claims = [(place % 4, 0.3, 0.6 * hit) for place, hit in enumerate(hits)]
    calibration = calibrate([boxes(*((0.3, hit, True) for hit in hits))], claims, DRAWS)
    assert calibration.la_ece < 0.01
    assert calibration.ece == pytest.approx(0.2, abs=0.02)


def test_no_error_of_any_box_is_not_known_to_be_none():
    calibration = calibrate([boxes((1.0, True, True))], [(0, 1.0, 1.0)], DRAWS)
    assert calibration.ece == calibration.la_ece == 0
    assert calibration.ece_interval == calibration.la_ece_interval == Interval(0.0, pytest.approx(0.975))
