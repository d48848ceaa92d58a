# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Why a response earns what it earns: its parse, its matches and every component with its formula."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verl_visual_rft.boxes import Box, iou, match_greedy
from verl_visual_rft.rewards import Reward, Sample, load_reward, make_sample
from verl_visual_rft.tasks.detection import DetectionAnswer, DetectionTruth
from verl_visual_rft.tasks.detection.matching import ranked
from verl_visual_rft.tasks.grounding import GroundingAnswer, GroundingTruth

# Where a reward has no threshold of its own, any overlap makes a match.
_ANY_OVERLAP = math.ulp(0.0)

_BULLET = re.compile(r"( *)- ``([\w.]+)``(?: \(([^)]*)\))?:\s*")
_TOTAL = re.compile(r"``score = ([^`]+)``")
_SENTENCE_END = re.compile(r"(?<=[.])\s+(?=[A-Z])")


@dataclass(frozen=True)
class Match:
    """An answered box that is valid, and the truth that it was given.

    Attributes:
        box: ``(x1, y1, x2, y2)`` in the answer's coordinates.
        confidence: In [0, 1]; None where there is none.
        truth: The true box; None for a miss.
        iou: With ``truth``; for a miss the largest with any true box.
    """

    box: Box
    confidence: float | None
    truth: Box | None
    iou: float


@dataclass(frozen=True)
class Matching:
    """Which answered box stands for which object, by the rule of the parts of a reward that share it.

    Attributes:
        threshold: Smallest IoU of a match; None where any overlap counts, or where nothing is matched (grounding).
        parts: The parts of the reward whose rule it is; none where the reward does not say.
        matches: The valid boxes of the answer, most confident first, equally sure ones in the order of the answer.
        missed: True boxes that no answered box was given.
    """

    threshold: float | None
    parts: tuple[str, ...]
    matches: tuple[Match, ...]
    missed: tuple[Box, ...]


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
        matchings: One for each threshold that the reward matches at; none for classification.
        components: What the total is made of, and what is reported beside it.
        total: The score, with its formula.
        definitions: What the symbols of the formulas stand for, as the docstring says before its bullets; may be empty.
    """

    sample: Sample
    reward: Reward
    matchings: tuple[Matching, ...]
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

    Matches are those of greedy matching by descending confidence at the reward's own threshold, of a composed reward at
    that of each of its parts. A reward that matches in another way still reports its own components.

    Arguments and errors are those of `verl_visual_rft.rewards.score`.

    Example:
        >>> response = "<think> left </think> <answer>[{'Position': [0, 0, 100, 90], 'Confidence': 0.8}]</answer>"
        >>> explanation = explain("detection", response, {"boxes": [[0, 0, 100, 100]]})
        >>> explanation.matchings[0].threshold, explanation.components[0].name, explanation.components[0].value
        (0.1, 'iou', 0.9)
    """
    loaded = reward if isinstance(reward, Reward) else load_reward(reward)
    sample = make_sample(task, response, ground_truth, image_size=image_size, extra_info=extra_info)
    values = loaded(sample)
    document = loaded.documents[task]
    formulas = read_formulas(document)
    total = Component("score", values.pop("score"), formulas.get("score") or _total_formula(loaded.name, document))
    components = tuple(Component(name, value, formulas.get(name, "")) for name, value in values.items())
    return Explanation(sample, loaded, _matchings(sample, loaded), components, total, _definitions(document))


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


def _matchings(sample: Sample, reward: Reward) -> tuple[Matching, ...]:
    """Return the matches by each rule of the reward: see `Explanation`."""
    answer, truth = sample.answer, sample.truth
    if isinstance(answer, DetectionAnswer) and isinstance(truth, DetectionTruth):
        rules: dict[float | None, list[str]] = {} if reward.thresholds else {None: []}
        for part, threshold in reward.thresholds.items():
            rules.setdefault(threshold, []).append(part)
        return tuple(_match(answer, truth, threshold, tuple(parts)) for threshold, parts in rules.items())
    if isinstance(answer, GroundingAnswer) and isinstance(truth, GroundingTruth):
        matches = tuple(Match(box, None, truth.box, iou(box, truth.box)) for box in answer.boxes)
        return (Matching(None, (), matches, () if matches else (truth.box,)),)
    return ()


def _match(answer: DetectionAnswer, truth: DetectionTruth, threshold: float | None, parts: tuple[str, ...]) -> Matching:
    detections = ranked(answer.detections)
    boxes = [detection.box for detection in detections]
    given = match_greedy(boxes, truth.boxes, _ANY_OVERLAP if threshold is None else threshold)
    matches = []
    for (box, confidence), (index, overlap) in zip(detections, given, strict=True):
        if index is None:
            nearest = max((iou(box, true_box) for true_box in truth.boxes), default=0.0)
            matches.append(Match(box, confidence, None, nearest))
        else:
            matches.append(Match(box, confidence, truth.boxes[index], overlap))
    found = {index for index, _ in given}
    missed = tuple(box for index, box in enumerate(truth.boxes) if index not in found)
    return Matching(threshold, parts, tuple(matches), missed)
