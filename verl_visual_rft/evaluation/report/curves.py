# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The curves of a training run: reward and accuracy side by side, so that a gamed reward is seen.

``curves.png`` has them on one page; the report has a picture a curve, which flow with the width of the screen.
"""

from __future__ import annotations

import itertools
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from verl_visual_rft.atomic import replacing
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.training_log import (
    EQUAL_GROUPS,
    KL,
    RESPONSE_LENGTH,
    REWARD,
    REWARD_SPREAD,
    Series,
    TrainingLog,
)
from verl_visual_rft.tasks.registry import main_metrics, usable_tasks

# Okabe and Ito's colours: told apart with any colour vision.
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#555555"
STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "legend.fontsize": 10,
}
#: Of pictures in a page: its own font, and the same bytes each time.
SVG_STYLE: Any = STYLE | {"svg.fonttype": "none", "svg.hashsalt": "curves", "font.family": "sans-serif"}
COLOURS = (GREEN, ORANGE, BLUE, VERMILION, GREY)
RUNNING_MEAN = 10


@dataclass(frozen=True)
class Curve:
    """A figure of the report: what it shows, for those who do not see it, and the SVG as a data URI."""

    title: str
    text: str
    uri: str


def report_curves(log: TrainingLog) -> list[Curve]:
    """Draw each of a run's curves by itself: reward, its components, the task's metric, KL, response length, and so on.

    Reward and components have a band of one standard deviation over the rollouts of a step. What the log does not have
    is left out.
    """
    curves = []
    with matplotlib.rc_context(SVG_STYLE):
        for title, series, draw in _panels(log):
            if not series.steps:
                continue
            figure = Figure(figsize=(5.2, 3.4), layout="constrained")
            axes = figure.add_subplot()
            draw(axes)
            _scale_steps(axes, log)
            axes.set_xlabel("GRPO step")
            points = [f"{value:.3g} at step {step}" for step, value in zip(series.steps, series.values, strict=True)]
            text = f"{title}: {points[0]}, {points[-1]}"
            curves.append(Curve(title, text, svg_uri(figure)))
    return curves


def svg_uri(figure: Figure) -> str:
    """Return a figure as an SVG in a data URI."""
    svg = BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + b64encode(svg.getvalue()).decode()


def _panels(log: TrainingLog) -> Iterator[tuple[str, Series, Callable[[Axes], None]]]:
    yield "Training reward", log.series(REWARD), partial(_draw_reward, log=log)
    for number, component in enumerate(log.components):
        mean, colour = log.series(f"reward/{component}/mean"), COLOURS[number % len(COLOURS)]
        title = f"Reward component: {component}"
        yield title, mean, partial(_draw_component, log=log, component=component, title=title, colour=colour)
    for metric, name in main_metrics().items():
        for source, series in log.task_metric(metric).items():
            title = f"{name} on validation, {source} (%)"
            yield title, series, partial(_draw_single, series=series, title=title, colour=ORANGE)
    singles = (
        ("KL to the reference policy", KL, VERMILION),
        ("Response length (tokens)", RESPONSE_LENGTH, GREY),
        ("Share of groups without variance", EQUAL_GROUPS, GREY),
    )
    for title, name, colour in singles:
        series = log.series(name)
        yield title, series, partial(_draw_single, series=series, title=title, colour=colour)


def _draw_component(axes: Axes, log: TrainingLog, component: str, title: str, colour: str) -> None:
    axes.set_title(title)
    mean = log.series(f"reward/{component}/mean")
    _draw_spread(axes, mean, log.series(f"reward/{component}/std"), colour)
    _draw_running(axes, mean, f"mean (bold: over {RUNNING_MEAN} steps)", colour)
    for number, (source, series) in enumerate(log.validation(component).items()):
        _draw_validation(axes, series, f"validation ({source})", number)
    _finish(axes)


def draw_curves(log: TrainingLog, out: Path, *, title: str = "") -> None:
    """Draw reward, accuracy, reward components, KL and response length over the training steps.

    Args:
        log: Training log of a Visual-RFT run.
        out: PNG to write, 1650 x 1200 pixels.
        title: Line above the panels.

    Raises:
        UserError: The log has no training step with a reward.
    """
    if not log.series(REWARD).steps:
        raise UserError(f"the training log has no {REWARD!r} in {log.last_step} steps; nothing can be drawn")
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 8), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(2, 2)
        _draw_reward(figure.add_subplot(grid[0, 0]), log)
        _draw_accuracy(figure.add_subplot(grid[0, 1]), log)
        _draw_components(figure.add_subplot(grid[1, 0]), log)
        halves = grid[1, 1].subgridspec(2, 1)
        _draw_single(figure.add_subplot(halves[0]), log.series(KL), "KL to the reference policy", VERMILION)
        lengths = log.series(RESPONSE_LENGTH)
        _draw_single(figure.add_subplot(halves[1]), lengths, "Response length (tokens)", GREY)
        for axes in figure.axes:
            _scale_steps(axes, log)
        for axes in (figure.axes[2], figure.axes[4]):
            axes.set_xlabel("GRPO step")
        figure.suptitle(title, x=0.01, ha="left")
        with replacing(out) as temporary:
            figure.savefig(temporary, format="png")


def _draw_reward(axes: Axes, log: TrainingLog) -> None:
    axes.set_title("Training reward")
    reward = log.series(REWARD)
    _draw_spread(axes, reward, log.series(REWARD_SPREAD), BLUE)
    _draw_running(axes, reward, f"mean (bold: over {RUNNING_MEAN} steps)", BLUE)
    for number, (source, series) in enumerate(log.validation("score").items()):
        _draw_validation(axes, series, f"validation ({source})", number)
    axes.legend(loc="best")


def _draw_spread(axes: Axes, mean: Series, spread: Series, colour: str) -> None:
    if spread.steps == mean.steps and mean.steps:
        centre, deviation = np.array(mean.values), np.array(spread.values)
        axes.fill_between(
            mean.steps,
            centre - deviation,
            centre + deviation,
            color=colour,
            alpha=0.15,
            lw=0,
            label="± 1 sd of rollouts",
        )


def _draw_accuracy(axes: Axes, log: TrainingLog) -> None:
    """What the reward should stand for: its own terms of accuracy, and the metrics of the tasks."""
    axes.set_title("Accuracy behind it")
    number = 0
    accuracies = {name for task in usable_tasks().values() for name in task.accuracies}
    for colour, component in zip(COLOURS, sorted(accuracies & {*log.components}), strict=False):
        _draw_running(axes, log.series(f"reward/{component}/mean"), f"{component}, training", colour)
        for source, series in log.validation(component).items():
            _draw_validation(axes, series, f"{component}, validation ({source})", number)
            number += 1
    for (metric, name), marker in zip(main_metrics().items(), itertools.cycle("sPX"), strict=False):
        for source, series in log.task_metric(metric).items():
            shares, label = [value / 100 for value in series.values], f"{name} / 100, validation ({source})"
            axes.plot(series.steps, shares, color=ORANGE, marker=marker, ms=5, lw=1.5, label=label)
    _finish(axes)


def _draw_components(axes: Axes, log: TrainingLog) -> None:
    axes.set_title("Reward components, training")
    for number, component in enumerate(log.components):
        _draw_running(axes, log.series(f"reward/{component}/mean"), component, COLOURS[number % len(COLOURS)])
    _finish(axes)


def _scale_steps(axes: Axes, log: TrainingLog) -> None:
    axes.set_xlim(0, 1.02 * max(log.last_step, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_single(axes: Axes, series: Series, title: str, colour: str) -> None:
    axes.set_title(title)
    if series.steps:
        axes.plot(series.steps, series.values, color=colour, lw=1.5)
        axes.set_ylim(bottom=min(0.0, *series.values))
    else:
        _say_missing(axes)


def _draw_running(axes: Axes, series: Series, label: str, colour: str) -> None:
    """Each step as a faint line, the mean of the last steps as the line to read."""
    if not series.steps:
        return
    values = np.array(series.values)
    means = [values[max(0, end - RUNNING_MEAN) : end].mean() for end in range(1, len(values) + 1)]
    axes.plot(series.steps, values, color=colour, lw=0.8, alpha=0.45)
    axes.plot(series.steps, means, color=colour, lw=2.2, label=label)


def _draw_validation(axes: Axes, series: Series, label: str, number: int) -> None:
    marker = "oD^v"[number % 4]
    axes.plot(series.steps, series.values, color="black", marker=marker, ms=5, lw=1.2, ls="--", label=label)


def _finish(axes: Axes) -> None:
    if axes.lines:
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.legend(loc="best")
    else:
        _say_missing(axes)


def _say_missing(axes: Axes) -> None:
    axes.text(0.5, 0.5, "not in the training log", transform=axes.transAxes, ha="center", va="center", color=GREY)
