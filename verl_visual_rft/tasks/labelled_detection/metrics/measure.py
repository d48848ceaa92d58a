# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From answers to labelled detection's metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from verl_visual_rft.coordinates import from_extent
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.coordinate_evidence import coordinate_warnings
from verl_visual_rft.evaluation.prepared import PreparedTruth, read_annotations
from verl_visual_rft.evaluation.results import ScoredAnswer, answer_statistics
from verl_visual_rft.tasks.detection.metrics.group_ap import category_groups, evaluate_groups
from verl_visual_rft.tasks.labelled_detection.annotations import ANNOTATIONS
from verl_visual_rft.tasks.labelled_detection.metrics.figures import LabelledMetrics
from verl_visual_rft.tasks.labelled_detection.metrics.judged import Mistakes, coco_boxes, f1, judge, naming
from verl_visual_rft.tasks.labelled_detection.truth import LabelledTruth


def read_truth(folder: Path, scored: Sequence[ScoredAnswer], predictions: Path) -> PreparedTruth:
    """Read the annotations of a prepared folder, all categories one group, and refuse answers about other data.

    Raises:
        UserError: The file is missing or damaged, or an answer is about a picture or a category that it does not have.
    """
    annotations = read_annotations(folder / ANNOTATIONS)
    truth = PreparedTruth(annotations, {"all": tuple(category["name"] for category in annotations["categories"])})
    images, names = truth.image_ids, truth.category_ids
    for item in scored:
        where, about = f"{predictions}: line {item.prediction.line}", item.prediction.image_id
        strangers = [name for name in _truth(item).categories if name not in names]
        if about not in images or strangers:
            what = f"category {strangers[0]!r}" if about in images else f"image {about}"
            raise UserError(f"{where}: {what} is not in {ANNOTATIONS}; these predictions belong to other data")
    return truth


def measure_labelled(scored: Sequence[ScoredAnswer], truth: PreparedTruth, reward: str) -> LabelledMetrics:
    """Compute the metrics of answered questions; ``scored`` must not be empty.

    AP is COCO's over all categories and pictures of the truth, by the evaluator of detection. A box whose label names
    no category of its prompt finds nothing and ranks nowhere; F1 counts it. Boxes of equal confidence, all of them
    where answers give none, are ranked by picture and in an answer as they stand: AP is then near precision times
    recall.
    """
    ids, image_ids = truth.category_ids, truth.image_ids
    judged = [judge(item.sample, item.prediction.image_id) for item in scored]
    boxes = [
        row
        for item, answer in zip(scored, judged, strict=True)
        for row in coco_boxes(answer, image_ids[answer.image], ids, partial(_pixels, item))
    ]
    groups = category_groups([*ids], (), [*ids])
    found = evaluate_groups(truth, boxes, {k: names for k, names in groups.items() if k not in ("base", "novel")})
    return LabelledMetrics(
        n=len(scored),
        images=len(image_ids),
        groups=found.groups,
        per_class=found.per_class,
        summary=found.summary,
        f1=f1(judged),
        f1_any_label=f1(judged, any_label=True),
        naming=naming(judged),
        mistakes=_sum([item.mistakes for item in judged]),
        boxes=len(boxes),
        duplicate_boxes=sum(item.repeats for item in judged),
        boxes_without_confidence=sum(item.unsure for item in judged),
        truths=sum(int(match.truths.sum()) for match in found.matches.values()),
        answers=answer_statistics(scored, reward),
        warnings=coordinate_warnings(scored),
    )


def _sum(mistakes: Sequence[Mistakes]) -> Mistakes:
    return Mistakes(**{name: sum(getattr(one, name) for one in mistakes) for name in asdict(Mistakes())})


def _pixels(item: ScoredAnswer, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    return from_extent(box, item.prediction.size, _truth(item).extent)


def _truth(item: ScoredAnswer) -> LabelledTruth:
    truth = item.sample.truth
    assert isinstance(truth, LabelledTruth)
    return truth
