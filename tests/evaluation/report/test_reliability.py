# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the reliability diagram; that a browser shows it is in test_browser.py."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

from verl_visual_rft.evaluation.report.reliability import draw_reliability
from verl_visual_rft.evaluation.tables import Measurement

BINS = [
    {"low": number / 10, "high": (number + 1) / 10, "n": 0, "confidence": None, "precision": None}
    for number in range(10)
]
BINS[8] |= {"n": 4, "confidence": 0.85, "precision": 0.5}


def measurement(method: str, calibration: dict | None) -> Measurement:
    return Measurement(Path("m.json"), "run", method, "", {"calibration": calibration})


def test_methods_with_confidences_are_drawn():
    measured = {"ece": 0.351, "bins": BINS}
    curve = draw_reliability([measurement("base", None), measurement("sft", measured), measurement("rft", measured)])
    assert curve.text == "Precision by confidence; expected calibration error: + SFT 0.35, + Visual-RFT 0.35"
    prefix, data = curve.uri.split(",")
    svg = b64decode(data).decode()
    assert prefix == "data:image/svg+xml;base64"
    assert [name for name in ("calibrated", "base", "+ SFT", "+ Visual-RFT") if f">{name}<" in svg] == [
        *("calibrated", "+ SFT", "+ Visual-RFT"),
    ]
    assert draw_reliability([measurement("sft", measured)]) == draw_reliability([measurement("sft", measured)])


def test_nothing_to_draw():
    assert draw_reliability([measurement("base", None), Measurement(Path("m"), "run", "rft", "", {})]) is None
