# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the report's smaller tables: what they show, and that they are empty where there is nothing to show."""

from __future__ import annotations

from pathlib import Path

import pytest

from verl_visual_rft.evaluation.report.sections import (
    MOST_CONFUSED,
    calibration_cells,
    class_cells,
    confusion_cells,
    existence_cells,
)
from verl_visual_rft.evaluation.tables import Measurement


def methods(**metrics: dict) -> list[Measurement]:
    return [Measurement(Path("m.json"), "run", method, "", content) for method, content in metrics.items()]


@pytest.mark.parametrize("cells", [class_cells, confusion_cells, calibration_cells, existence_cells])
def test_nothing_to_show(cells):
    assert cells(methods(base={"task": "grounding"}, rft={"calibration": None, "confusions": []})) == []


def test_confusions_are_ranked_over_all_methods():
    base = [{"label": "rose", "answered": "tulip", "count": 2}, {"label": "lily", "answered": None, "count": 1}]
    rft = [{"label": "lily", "answered": None, "count": 4}]
    assert confusion_cells(methods(base={"confusions": base}, rft={"confusions": rft})) == [
        ["class → answered", "base", "+ Visual-RFT"],
        ["lily → (no one class)", "1", "4"],
        ["rose → tulip", "2", "0"],
    ]


def test_only_the_most_frequent_confusions():
    many = [{"label": f"{number:02}", "answered": "rose", "count": number} for number in range(1, 41)]
    _, *lines = confusion_cells(methods(base={"confusions": many}))
    assert [line[1] for line in lines] == [str(number) for number in range(40, 40 - MOST_CONFUSED, -1)]


def test_calibration_of_methods_with_and_without_confidences():
    older = {"n": 9, "confidence": 0.8, "precision": 0.5, "ece": 0.3, "ece_interval": {"low": 0.2, "high": 0.41}}
    found = older | {"la_ece": 0.25, "la_ece_interval": {"low": 0.1, "high": 0.3}}
    measured = {"base": {"calibration": None}, "sft": {"calibration": older}, "rft": {"calibration": found}}
    assert calibration_cells(methods(**measured)) == [
        ["method", "boxes", "confidence", "precision", "error", "localisation-aware error"],
        ["base", "0", "n/a", "n/a", "n/a", "n/a"],
        ["+ SFT", "9", "0.80", "0.50", "0.30\n(0.20 to 0.41)", "n/a"],
        ["+ Visual-RFT", "9", "0.80", "0.50", "0.30\n(0.20 to 0.41)", "0.25\n(0.10 to 0.30)"],
    ]


def test_existence_stages_with_their_ceilings():
    stage = {
        "asked": 7,
        "quality": {"pairs": 9, "claimed": 7, "precision": 0.5, "recall": None},
        "ap_ceilings": {"base": 50.0, "novel": None, "all": 50.0},
        "map_base": 20.0,
        "map_novel": None,
        "map_all": 20.0,
    }
    assert existence_cells(methods(base={}, rft={"existence": {"oracle": stage}})) == [
        ["method: stage", "asked", "precision", "recall", "mAP novel", "mAP base", "mAP all"],
        ["+ Visual-RFT: oracle", "7", "0.500", "n/a", "n/a of n/a", "20.0 of 50.0", "20.0 of 50.0"],
    ]
