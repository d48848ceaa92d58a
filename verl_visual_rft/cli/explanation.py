# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How the explanation of a score looks in a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from verl_visual_rft.rewards.explain import Explanation, Rule
from verl_visual_rft.tasks import load_task
from verl_visual_rft.tasks.marks import Mark, describe

EXCERPT = 200


def render(explanation: Explanation) -> RenderableType:
    """Return an explanation as text and tables."""
    parts: list[RenderableType] = [_parse(explanation)]
    if explanation.rules:
        parts.extend(_matched(explanation, rule) for rule in explanation.rules)
    else:
        parts.append(_said(explanation))
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


def _said(explanation: Explanation) -> RenderableType:
    sample = explanation.sample
    table = Table("answer", "truth")
    answered = describe(load_task(sample.task).marks(sample.answer))
    table.add_row(Text(_excerpt(answered) or "none"), Text(sample.truth.in_words()))
    return table


def _matched(explanation: Explanation, rule: Rule) -> RenderableType:
    matching = rule.matching
    table = Table("answered", "true", matching.measure, "confidence", caption=_stated(rule), caption_justify="left")
    for match in matching.matches:
        sure = "none" if match.mark.confidence is None else f"{match.mark.confidence:g}"
        true = "none: a miss" if match.truth is None else _plain(match.truth)
        table.add_row(_plain(match.mark), true, f"{match.quality:.3f}", sure)
    for missed in matching.missed:
        table.add_row("none: not found", _plain(missed), "", "")
    sample = explanation.sample
    invalid = load_task(sample.task).counts(sample.answer, sample.truth).get("n_invalid", 0)
    if invalid:
        table.add_row(f"{invalid:g} not valid", "", "", "")
    if not table.row_count:
        table.add_row("none", "none", "", "")
    return table


def _stated(rule: Rule) -> str:
    """Say how marks were matched, and which parts of the reward match so."""
    if rule.matching.rule:
        return f"{rule.matching.rule} ({', '.join(rule.parts)})" if rule.parts else rule.matching.rule
    if not rule.parts:
        return "matched at any overlap: the reward does not say how it matches"
    parts = ", ".join(rule.parts)
    if rule.matching.threshold is None:
        return f"every valid one with the true one ({parts})"
    return f"matched by descending confidence at IoU >= {rule.matching.threshold:g} ({parts})"


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


def _plain(mark: Mark) -> Text:
    return Text(describe([mark]).strip("()"))


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= EXCERPT else words[: EXCERPT - 1] + "…"
