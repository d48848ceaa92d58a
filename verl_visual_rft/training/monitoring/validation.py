# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics of the task on validation, while a run trains: AP, accuracy, mean IoU, over all questions that were asked.

veRL averages what the reward reports over the responses that came back (verl 0.9.1 ``metric_utils.py:955``). AP is no
mean over responses, and a question whose session failed counts here as missed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verl_visual_rft.boxes import Box, iou
from verl_visual_rft.datasets.stored_rows import extra, ground_truth
from verl_visual_rft.evaluation.detection.evaluate import distinct, ranked_by
from verl_visual_rft.evaluation.detection.matching import match_boxes
from verl_visual_rft.evaluation.detection.resampling import resampled_ap
from verl_visual_rft.labels import names_the_class
from verl_visual_rft.rewards import Sample, make_sample
from verl_visual_rft.tasks.classification import ClassificationAnswer, ClassificationTruth
from verl_visual_rft.tasks.detection import DetectionAnswer, DetectionTruth
from verl_visual_rft.tasks.grounding import GroundingAnswer, GroundingTruth

#: Columns of a row that its question is read from.
COLUMNS = ("data_source", "ability", "reward_model", "extra_info")
_AT_50, _AT_75 = 0, 5  # places among COCO's ten IoU thresholds


@dataclass(frozen=True)
class Question:
    """A question of the validation data.

    Attributes:
        source: Its data source; metrics are grouped by it.
        task: ``detection``, ``classification`` or ``grounding``.
        category: The category that is asked for; AP is a mean over them.
        ground_truth: As the row has it.
    """

    source: str
    task: str
    category: str
    ground_truth: str | Mapping[str, Any]


def read_questions(rows: Iterable[Mapping[str, Any]]) -> list[Question]:
    """Read the questions of validation rows, in their order."""
    return [
        Question(str(row["data_source"]), row["ability"], str(extra(row, "category") or ""), ground_truth(row))
        for row in rows
    ]


def task_metrics(questions: Sequence[Question], responses: Sequence[Sequence[str | None]]) -> dict[str, float]:
    """Metrics of the task by data source, in percent, as ``visual-rft eval`` has them but without intervals.

    Args:
        questions: All that were asked.
        responses: The responses to each, at least one, ``None`` for one that failed to come. Where there are several
            (``val_kwargs.n``), a metric is the mean of those over the first responses, the second ones, and so on.

    Returns:
        ``val/<source>/...``:

        - ``ap``, ``ap50``, ``ap75``: detection; COCO's rules, mean over the categories that have objects. The objects
          are those that the questions ask for, in the answer's coordinates; ``visual-rft eval`` takes the original
          annotations, with their crowds and with objects that no question asks for, and ranks boxes of equal
          confidence by picture, not by the order of the data.
        - ``accuracy``: classification; the answer names the class and no other of its closed set.
        - ``miou``: grounding; mean IoU of the box.
        - ``missing``: share of the responses that failed to come; they count as missed and wrong.

    Example:
        >>> asked = [Question("pets", "classification", "", {"label": name}) for name in ("pug", "beagle")]
        >>> task_metrics(asked, [["<answer>pug</answer>"], [None]])
        {'val/pets/accuracy': 50.0, 'val/pets/missing': 50.0}
    """
    metrics: dict[str, float] = {}
    draws = max(map(len, responses))
    for source, task in sorted({(question.source, question.task) for question in questions}):
        asked = [
            (question, given)
            for question, given in zip(questions, responses, strict=True)
            if (question.source, question.task) == (source, task)
        ]
        measured = [
            _MEASURES[task]([_read(question, given[draw % len(given)]) for question, given in asked])
            for draw in range(draws)
        ]
        metrics.update({f"val/{source}/{name}": fmean(m[name] for m in measured) for name in measured[0]})
    for source in sorted({question.source for question in questions}):
        came = [
            r is not None for q, given in zip(questions, responses, strict=True) if q.source == source for r in given
        ]
        metrics[f"val/{source}/missing"] = 100 * (1 - fmean(came))
    return metrics


@dataclass(frozen=True)
class _Read:
    """A question's category, and how the response to it was read."""

    category: str
    sample: Sample


def _read(question: Question, response: str | None) -> _Read:
    return _Read(question.category, make_sample(question.task, response or "", question.ground_truth))


def _detection(items: Sequence[_Read]) -> dict[str, float]:
    by_category: dict[str, list[Sample]] = defaultdict(list)
    for item in items:
        by_category[item.category].append(item.sample)
    per_category = np.stack([_average_precision(samples) for samples in by_category.values()])
    with_objects = per_category[~np.isnan(per_category[:, 0])]
    if not len(with_objects):
        return {}
    ap = with_objects.mean(axis=0)
    return {"ap": float(ap.mean()), "ap50": float(ap[_AT_50]), "ap75": float(ap[_AT_75])}


def _average_precision(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """AP of one category at each IoU threshold, in percent; NaN without objects.

    Each question is a picture of its own, which AP of one category cannot tell from pictures, and IoU is the same in
    the answer's coordinates as in pixels.
    """
    truths, boxes = [], []
    for number, sample in enumerate(samples):
        answer, truth = sample.answer, sample.truth
        assert isinstance(answer, DetectionAnswer) and isinstance(truth, DetectionTruth)
        place = {"image_id": number, "category_id": 1}
        truths += [{**place, "bbox": _corner_and_size(box), "area": 0.0} for box in truth.boxes]
        boxes += [
            {**place, "bbox": _corner_and_size(detection.box), "score": ranked_by(detection)}
            for detection in distinct(answer.detections)
        ]
    annotations = {
        "images": [{"id": number} for number in range(len(samples))],
        "annotations": truths,
        "categories": [{"id": 1}],
    }
    matches = match_boxes(annotations, boxes, [1])[1]
    ap: NDArray[np.float64] = resampled_ap(matches, np.ones((1, len(samples)), dtype=np.int64))[0]
    return ap


def _corner_and_size(box: Box) -> list[float]:
    x1, y1, x2, y2 = box
    return [x1, y1, x2 - x1, y2 - y1]


def _classification(items: Sequence[_Read]) -> dict[str, float]:
    right = []
    for item in items:
        answer, truth = item.sample.answer, item.sample.truth
        assert isinstance(answer, ClassificationAnswer) and isinstance(truth, ClassificationTruth)
        right.append(names_the_class(answer.label, truth.label, truth.labels, truth.aliases))
    return {"accuracy": 100 * fmean(right)}


def _grounding(items: Sequence[_Read]) -> dict[str, float]:
    overlaps = []
    for item in items:
        answer, truth = item.sample.answer, item.sample.truth
        assert isinstance(answer, GroundingAnswer) and isinstance(truth, GroundingTruth)
        overlaps.append(iou(answer.box, truth.box) if answer.box else 0.0)
    return {"miou": 100 * fmean(overlaps)}


_MEASURES: Mapping[str, Callable[[Sequence[_Read]], dict[str, float]]] = {
    "detection": _detection,
    "classification": _classification,
    "grounding": _grounding,
}
