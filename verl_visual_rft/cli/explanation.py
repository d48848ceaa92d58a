# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How the explanation of a score looks in a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from verl_visual_rft.boxes import Box
from verl_visual_rft.rewards.explain import Explanation, Matching
from verl_visual_rft.tasks.classification import ClassificationAnswer, ClassificationTruth
from verl_visual_rft.tasks.detection import DetectionAnswer
from verl_visual_rft.tasks.grounding import GroundingAnswer

EXCERPT = 200


def render(explanation: Explanation) -> RenderableType:
    """Return an explanation as text and tables."""
    parts: list[RenderableType] = [_parse(explanation)]
    if isinstance(explanation.sample.truth, ClassificationTruth):
        parts.append(_label(explanation))
    else:
        parts.extend(_boxes(explanation, matching) for matching in explanation.matchings)
    parts.append(_components(explanation))
    if explanation.definitions:
        parts.append(Text(explanation.definitions))
    return Group(*parts)


def _parse(explanation: Explanation) -> RenderableType:
    answer, truth = explanation.sample.answer, explanation.sample.truth
    form = "think tags, then answer tags" if truth.think else "answer tags alone"
    table = Table.grid(padding=(0, 2))
    table.add_row("outcome", answer.outcome.value.replace("_", " "))
    if answer.reason:
        table.add_row("because", Text(answer.reason))
    table.add_row("format", form if answer.has_format else f"not {form}")
    table.add_row("thinking", Text(_excerpt(answer.thinking) or "none"))
    return table


def _label(explanation: Explanation) -> RenderableType:
    answer, truth = explanation.sample.answer, explanation.sample.truth
    assert isinstance(answer, ClassificationAnswer) and isinstance(truth, ClassificationTruth)
    table = Table("answer", "label", "closed set")
    table.add_row(Text(_excerpt(answer.label) or "none"), Text(truth.label), f"{len(truth.labels) or 'no'} labels")
    return table


def _boxes(explanation: Explanation, matching: Matching) -> RenderableType:
    answer = explanation.sample.answer
    assert isinstance(answer, DetectionAnswer | GroundingAnswer)
    table = Table(
        "answered box", "true box", "IoU", "confidence", caption=_rule(answer, matching), caption_justify="left"
    )
    for match in matching.matches:
        sure = "none" if match.confidence is None else f"{match.confidence:g}"
        true_box = "none: a miss" if match.truth is None else _plain(match.truth)
        table.add_row(_plain(match.box), true_box, f"{match.iou:.3f}", sure)
    for missed in matching.missed:
        table.add_row("none: not found", _plain(missed), "", "")
    if answer.invalid:
        table.add_row(f"{answer.invalid} not valid", "", "", "")
    if not table.row_count:
        table.add_row("none", "none", "", "")
    return table


def _rule(answer: DetectionAnswer | GroundingAnswer, matching: Matching) -> str:
    """Say how the boxes were matched, and which parts of the reward match so."""
    if isinstance(answer, GroundingAnswer):
        return "every valid box with the true one"
    if matching.threshold is None:
        return "matched by descending confidence at any overlap: the reward has no threshold"
    return f"matched by descending confidence at IoU >= {matching.threshold:g} ({', '.join(matching.parts)})"


def _components(explanation: Explanation) -> RenderableType:
    reward = explanation.reward
    low_high = reward.ranges.get(explanation.sample.task)
    caption = f"reward {reward.name}" + ("" if low_high is None else ", from {:g} to {:g}".format(*low_high))
    table = Table(caption=caption, caption_justify="left")
    table.add_column("component", no_wrap=True)
    table.add_column("value", no_wrap=True, justify="right")
    table.add_column("formula")
    for component in explanation.components:
        table.add_row(component.name, f"{component.value:.4f}", Text(component.formula))
    table.add_section()
    total = explanation.total
    table.add_row(total.name, f"{total.value:.4f}", Text(total.formula), style="bold")
    return table


def _plain(box: Box) -> str:
    return ", ".join(f"{value:g}" for value in box)


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= EXCERPT else words[: EXCERPT - 1] + "…"
