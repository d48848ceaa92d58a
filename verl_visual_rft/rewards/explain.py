# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Why a response earns what it earns: its parse, its matches and every component with its formula."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verl_visual_rft.rewards import Reward, load_reward
from verl_visual_rft.tasks import Sample, load_task, make_sample
from verl_visual_rft.tasks.matching import Matching

# Where a reward has no threshold of its own, any overlap makes a match.
_BULLET = re.compile(r"( *)- ``([\w.]+)``(?: \(([^)]*)\))?:\s*")
_TOTAL = re.compile(r"``score = ([^`]+)``")
_SENTENCE_END = re.compile(r"(?<=[.])\s+(?=[A-Z])")


@dataclass(frozen=True)
class Rule:
    """Which marks of an answer stand for which of the truth, by the rule of the parts of a reward that share it.

    Attributes:
        parts: The parts of the reward whose rule it is; none where no part said what it matched.
        matching: As they say it was.
    """

    parts: tuple[str, ...]
    matching: Matching


@dataclass(frozen=True)
class Component:
    """A number that the reward reports.

    Attributes:
        name: Its key in the result of `score`.
        value: For this response.
        formula: As the reward's docstring gives it; empty where it does not say.
    """

    name: str
    value: float
    formula: str


@dataclass(frozen=True)
class Explanation:
    """Why a response earns what it earns.

    Attributes:
        sample: The parsed response and its truth.
        reward: The reward that scored it.
        rules: One for each way in which parts of the reward matched; none for a task without marks in the picture.
        components: What the total is made of, and what is reported beside it.
        total: The score, with its formula.
        definitions: What the symbols of the formulas stand for, as the docstring says before its bullets; may be empty.
    """

    sample: Sample
    reward: Reward
    rules: tuple[Rule, ...]
    components: tuple[Component, ...]
    total: Component
    definitions: str


def explain(
    task: str,
    response: str,
    ground_truth: str | Mapping[str, Any],
    reward: str | Mapping[str, Any] | Reward = "robust",
    *,
    image_size: tuple[int, int] | None = None,
    extra_info: Mapping[str, Any] | None = None,
) -> Explanation:
    """Score one response and say how the score comes about.

    Matches are those that the parts of the reward report (`Sample.report`). Of a reward that reports none, but has
    thresholds, they are by the task's own rule at these; without thresholds any overlap is a match.

    Arguments and errors are those of `verl_visual_rft.rewards.score`.

    Example:
        >>> response = "<think> left </think> <answer>[{'Position': [0, 0, 100, 90], 'Confidence': 0.8}]</answer>"
        >>> explanation = explain("detection", response, {"boxes": [[0, 0, 100, 100]]})
        >>> explanation.rules[0].matching.threshold, explanation.components[0].name, explanation.components[0].value
        (0.1, 'iou', 0.9)
    """
    loaded = reward if isinstance(reward, Reward) else load_reward(reward)
    sample = make_sample(task, response, ground_truth, image_size=image_size, extra_info=extra_info)
    reported: dict[Matching, list[str]] = {}
    values = loaded(sample, lambda part, matching: reported.setdefault(matching, []).append(part))
    document = loaded.documents[task]
    formulas = read_formulas(document)
    total = Component("score", values.pop("score"), formulas.get("score") or _total_formula(loaded.name, document))
    components = tuple(Component(name, value, formulas.get(name, "")) for name, value in values.items())
    return Explanation(sample, loaded, _rules(sample, loaded, reported), components, total, _definitions(document))


def read_formulas(document: str) -> dict[str, str]:
    r"""Return the formula of each component that a docstring explains.

    A component is explained in a bullet ``- ``name``: formula`` or ``- ``name`` (Eq. 6): formula``, whose first
    sentence is taken. An indented bullet belongs to the bullet above it, and its name becomes ``above.name``.

    Example:
        >>> read_formulas("Score it.\n\n- ``iou`` (Eq. 6): mean of\n  the IoU. It rises.\n- ``format``: 0 or 1.")
        {'iou': 'mean of the IoU (Eq. 6)', 'format': '0 or 1'}
    """
    formulas: dict[str, str] = {}
    above = ""
    for block in re.split(r"\n(?= *- )|\n\s*\n", document):
        bullet = _BULLET.match(block)
        if bullet is None:
            continue
        indent, name, source = bullet.groups()
        if indent:
            name = f"{above}.{name}"
        else:
            above = name
        formulas[name] = _first_sentence(block[bullet.end() :]) + (f" ({source})" if source else "")
    return formulas


def _total_formula(name: str, document: str) -> str:
    """Return what the total is: a composition says it by its name, a docstring as ``score = ...`` or in words."""
    if "=" in name:
        weights = (part.partition("=") for part in name.split(","))
        return " + ".join(f"{weight} {part}" for part, _, weight in weights)
    stated = _TOTAL.search(document)
    return stated[1] if stated else _first_sentence(document)


def _first_sentence(text: str) -> str:
    return _SENTENCE_END.split(_plain(text), maxsplit=1)[0].removesuffix(".")


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("``", "")


def _definitions(document: str) -> str:
    """Return what stands between a docstring's first paragraph and its bullets."""
    paragraphs = re.split(r"\n\s*\n", document)
    before = list(itertools.takewhile(lambda paragraph: _BULLET.match(paragraph) is None, paragraphs))
    return "\n".join(_plain(paragraph) for paragraph in before[1:])


def _rules(sample: Sample, reward: Reward, reported: Mapping[Matching, Sequence[str]]) -> tuple[Rule, ...]:
    task = load_task(sample.task)
    if not task.coordinates:
        return ()
    if reported:
        return tuple(Rule(tuple(parts), matching) for matching, parts in reported.items())
    stated: dict[float, list[str]] = {}
    for part, threshold in reward.thresholds.items():
        stated.setdefault(threshold, []).append(part)
    rules = [Rule(tuple(parts), task.match(sample.answer, sample.truth, at)) for at, parts in stated.items()]
    return tuple(rules) or (Rule((), task.match(sample.answer, sample.truth, None)),)
