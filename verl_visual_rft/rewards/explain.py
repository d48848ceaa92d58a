# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Why a response earns what it earns: its parse, its matches and every component with its formula."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verl_visual_rft.answers import DetectionAnswer, GroundingAnswer
from verl_visual_rft.boxes import Box, iou, match_greedy
from verl_visual_rft.rewards import Reward, Sample, load_reward, make_sample, paper, robust
from verl_visual_rft.truths import DetectionTruth, GroundingTruth

# Where a reward's matching begins; a reward that is not listed is shown with the paper's.
_THRESHOLDS = {"robust": robust.IOU_THRESHOLD}

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
        threshold: Smallest IoU of a match in ``matches``; None where nothing is matched (other tasks than detection).
        matches: The valid boxes of the answer, most confident first; none for classification.
        missed: True boxes that no answered box was given.
        components: What the total is made of, and what is reported beside it.
        total: The score, with its formula.
        definitions: What the symbols of the formulas stand for, as the docstring says before its bullets; may be empty.
    """

    sample: Sample
    reward: Reward
    threshold: float | None
    matches: tuple[Match, ...]
    missed: tuple[Box, ...]
    components: tuple[Component, ...]
    total: Component
    definitions: str


def explain(
    task: str,
    response: str,
    ground_truth: str | Mapping[str, Any],
    reward: str | Mapping[str, Any] | Reward = "paper",
    *,
    image_size: tuple[int, int] | None = None,
    extra_info: Mapping[str, Any] | None = None,
) -> Explanation:
    """Score one response and say how the score comes about.

    Matches are those of greedy matching by descending confidence, at the threshold of the paper (0.5) or of `robust`
    (0.1); a reward that matches in another way still reports its own components.

    Arguments and errors are those of `verl_visual_rft.rewards.score`.

    Example:
        >>> response = "<think> left </think> <answer>[{'Position': [0, 0, 100, 90], 'Confidence': 0.8}]</answer>"
        >>> explanation = explain("detection", response, {"boxes": [[0, 0, 100, 100]]})
        >>> explanation.components[0].name, explanation.components[0].value, explanation.components[0].formula
        ('iou', 0.9, 'sum of the IoU of the hits / number of predictions (Eq. 6)')
    """
    loaded = reward if isinstance(reward, Reward) else load_reward(reward)
    sample = make_sample(task, response, ground_truth, image_size=image_size, extra_info=extra_info)
    values = loaded(sample)
    document = loaded.documents[task]
    formulas = read_formulas(document)
    total = Component("score", values.pop("score"), formulas.get("score") or _total_formula(loaded.name, document))
    components = tuple(Component(name, value, formulas.get(name, "")) for name, value in values.items())
    threshold, matches, missed = _match(sample, loaded.name)
    return Explanation(sample, loaded, threshold, matches, missed, components, total, _definitions(document))


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


def _match(sample: Sample, reward: str) -> tuple[float | None, tuple[Match, ...], tuple[Box, ...]]:
    """Return the threshold of a match, the matches and the missed truths: see `Explanation`."""
    answer, truth = sample.answer, sample.truth
    if isinstance(answer, DetectionAnswer) and isinstance(truth, DetectionTruth):
        threshold = _THRESHOLDS.get(reward, paper.IOU_THRESHOLD)
        return threshold, *_match_detections(answer, truth, threshold)
    if isinstance(answer, GroundingAnswer) and isinstance(truth, GroundingTruth):
        matches = tuple(Match(box, None, truth.box, iou(box, truth.box)) for box in answer.boxes)
        return None, matches, () if matches else (truth.box,)
    return None, (), ()


def _match_detections(
    answer: DetectionAnswer, truth: DetectionTruth, threshold: float
) -> tuple[tuple[Match, ...], tuple[Box, ...]]:
    ranked = sorted(answer.detections, key=lambda d: -1.0 if d.confidence is None else d.confidence, reverse=True)
    given = match_greedy([detection.box for detection in ranked], truth.boxes, threshold)
    matches = []
    for (box, confidence), (index, overlap) in zip(ranked, given, strict=True):
        if index is None:
            nearest = max((iou(box, true_box) for true_box in truth.boxes), default=0.0)
            matches.append(Match(box, confidence, None, nearest))
        else:
            matches.append(Match(box, confidence, truth.boxes[index], overlap))
    found = {index for index, _ in given}
    return tuple(matches), tuple(box for index, box in enumerate(truth.boxes) if index not in found)
