# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The report's tables beside the main one, as text: a header line, then the others; empty with nothing to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from verl_visual_rft.evaluation.results import percent
from verl_visual_rft.evaluation.tables.measured import Measurement
from verl_visual_rft.evaluation.tables.paper import METHODS

#: Pairs of classes shown: those that are confused most often, over all methods.
MOST_CONFUSED = 15

Cells = list[list[str]]


def outcome_cells(measurements: Sequence[Measurement]) -> Cells:
    """Answers of each method by how they could be read."""
    names = sorted({name for measurement in measurements for name in measurement.metrics["outcomes"]})
    lines = [
        [METHODS[m.method], *(str(m.metrics["outcomes"].get(name, 0)) for name in names), str(m.metrics["cut_answers"])]
        for m in measurements
    ]
    return [["method", *(name.replace("_", " ") for name in names), "cut at the limit"], *lines]


def class_cells(measurements: Sequence[Measurement]) -> Cells:
    """AP of each category by method, with its interval; of detection."""
    by_method = {m.method: m.metrics.get("per_class", {}) for m in measurements}
    lines = [
        [category, *(_class_ap(per_class[category]) for per_class in by_method.values())]
        for category in next(iter(by_method.values()))
    ]
    return [["category", *(METHODS[method] for method in by_method)], *lines] if lines else []


def confusion_cells(measurements: Sequence[Measurement]) -> Cells:
    """The classes that are taken for others most often, by method; of classification."""
    by_method = {
        m.method: {(pair["label"], pair["answered"]): pair["count"] for pair in m.metrics.get("confusions", ())}
        for m in measurements
    }
    total = Counter[tuple[str, str | None]]()
    for counts in by_method.values():
        total.update(counts)
    ranked = sorted(total, key=lambda pair: (-total[pair], *map(str, pair)))[:MOST_CONFUSED]
    lines = [
        [f"{label} → {answered or '(no one class)'}", *(str(c.get((label, answered), 0)) for c in by_method.values())]
        for label, answered in ranked
    ]
    return [["class → answered", *(METHODS[method] for method in by_method)], *lines] if lines else []


def calibration_cells(measurements: Sequence[Measurement]) -> Cells:
    """Confidence and precision of the boxes of each method; of detection, where a box has a confidence."""
    lines = [[METHODS[m.method], *_calibration(m.metrics.get("calibration"))] for m in measurements]
    header = ["method", "boxes", "confidence", "precision", "error", "localisation-aware error"]
    return [header, *lines] if any(m.metrics.get("calibration") for m in measurements) else []


def existence_cells(measurements: Sequence[Measurement]) -> Cells:
    """What existence stages let through and how high AP can be behind them; of detection with such a stage."""
    lines = [
        [f"{METHODS[m.method]}: {mode}", *_stage(stage)]
        for m in measurements
        for mode, stage in m.metrics.get("existence", {}).items()
    ]
    header = ["method: stage", "asked", "precision", "recall", *(f"mAP {name}" for name in _GROUPS)]
    return [header, *lines] if lines else []


_GROUPS = ("novel", "base", "all")


def _class_ap(figures: dict[str, Any] | None) -> str:
    if figures is None:
        return "n/a"
    span, objects = figures["ap_interval"], figures["truths"]
    return f"{figures['ap']:.1f}" + (f"\n({span['low']:.1f} to {span['high']:.1f}; n {objects})" if span else "")


def _calibration(found: dict[str, Any] | None) -> list[str]:
    if not found:
        return ["0", *["n/a"] * 4]
    errors = (_error(found, name) for name in ("ece", "la_ece"))
    return [str(found["n"]), f"{found['confidence']:.2f}", f"{found['precision']:.2f}", *errors]


def _error(found: dict[str, Any], name: str) -> str:
    if found.get(name) is None:  # older metrics files have no localisation-aware error
        return "n/a"
    span = found[f"{name}_interval"]
    return f"{found[name]:.2f}" + (f"\n({span['low']:.2f} to {span['high']:.2f})" if span else "")


def _stage(stage: dict[str, Any]) -> list[str]:
    quality, ceilings = stage["quality"], stage["ap_ceilings"]
    return [
        str(stage["asked"]),
        *("n/a" if quality[rate] is None else f"{quality[rate]:.3f}" for rate in ("precision", "recall")),
        *(f"{percent(stage[f'map_{name}'])} of {percent(ceilings[name])}" for name in _GROUPS),
    ]
