# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The reliability diagram: of boxes with confidence 0.8, are 80 % right? One line a method, below it how many boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from verl_visual_rft.evaluation.report.curves import BLUE, GREEN, GREY, SVG_STYLE, VERMILION, Curve, svg_uri
from verl_visual_rft.evaluation.tables.measured import Measurement
from verl_visual_rft.evaluation.tables.paper import METHODS

_COLOURS = {"base": BLUE, "sft": GREEN, "rft": VERMILION}
_MARKERS = {"base": "o", "sft": "s", "rft": "D"}


def draw_reliability(measurements: Sequence[Measurement]) -> Curve | None:
    """Draw confidence against precision of each method (Guo et al., 2017, arXiv 1706.04599, figure 1).

    Returns:
        The figure; ``None`` where no method has a box with a confidence.
    """
    found = {m.method: m.metrics["calibration"] for m in measurements if m.metrics.get("calibration")}
    if not found:
        return None
    with matplotlib.rc_context(SVG_STYLE):
        figure = Figure(figsize=(5.2, 4.4), layout="constrained")
        grid = figure.add_gridspec(2, 1, height_ratios=(3, 1))
        _draw_precision(figure.add_subplot(grid[0]), found)
        _draw_counts(figure.add_subplot(grid[1]), found)
        uri = svg_uri(figure)
    errors = (f"{METHODS[method]} {calibration['ece']:.2f}" for method, calibration in found.items())
    title = "Precision by confidence"
    return Curve(title, f"{title}; expected calibration error: {', '.join(errors)}", uri)


def _draw_precision(axes: Axes, found: Mapping[str, Any]) -> None:
    axes.set_title("Precision by confidence")
    axes.plot((0, 1), (0, 1), color=GREY, lw=1, ls=":", label="calibrated")
    for method, calibration in found.items():
        filled = [part for part in calibration["bins"] if part["n"]]
        confidences, precisions = ([part[name] for part in filled] for name in ("confidence", "precision"))
        most, colour = max(part["n"] for part in filled), _COLOURS[method]
        axes.plot(confidences, precisions, color=colour, lw=1, alpha=0.5)
        # Area by the number of boxes: of a few boxes the share is chance.
        areas = [6 + 60 * part["n"] / most for part in filled]
        axes.scatter(confidences, precisions, s=areas, c=colour, marker=_MARKERS[method], label=METHODS[method])
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.04, 1.04), ylabel="right at IoU 0.5")
    axes.legend(loc="best")


def _draw_counts(axes: Axes, found: Mapping[str, Any]) -> None:
    width = 0.09 / len(found)
    for place, (method, calibration) in enumerate(found.items()):
        lefts = [part["low"] + 0.005 + place * width for part in calibration["bins"]]
        axes.bar(lefts, [part["n"] for part in calibration["bins"]], width, align="edge", color=_COLOURS[method])
    axes.set(xlim=(-0.02, 1.02), xlabel="confidence", ylabel="boxes")
