# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From answers to detection metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from verl_visual_rft.coordinates import from_extent
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.bootstrap import Interval, mean_interval, share_interval
from verl_visual_rft.evaluation.coordinate_evidence import coordinate_warnings
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.prepared import PreparedTruth
from verl_visual_rft.evaluation.results import ScoredAnswer, answer_statistics
from verl_visual_rft.tasks.detection import Detection, DetectionAnswer, DetectionTruth
from verl_visual_rft.tasks.detection.metrics.calibration import calibrate
from verl_visual_rft.tasks.detection.metrics.figures import BoxCounts, DetectionMetrics
from verl_visual_rft.tasks.detection.metrics.group_ap import category_groups, evaluate_groups
from verl_visual_rft.tasks.detection.metrics.question_figures import Judged, confidence_claims, f1, judge

#: Ranks a box without a confidence behind every box with one; it stays in AP rather than vanish.
NO_CONFIDENCE = -1.0


def measure_detection(scored: Sequence[ScoredAnswer], truth: PreparedTruth, reward: str) -> DetectionMetrics:
    """Compute the metrics of answered detection questions; ``scored`` must not be empty.

    Pictures of the truth that no answer is about count: what they show is missed.
    """
    image_ids = truth.image_ids
    answers = [_answer(item) for item in scored]
    kept = [distinct(answer.detections) for answer in answers]
    boxes = [
        coco_box(detection, item, image_ids)
        for item, detections in zip(scored, kept, strict=True)
        for detection in detections
    ]
    groups = category_groups(truth.groups["base"], truth.groups["novel"], list(truth.category_ids))
    found = evaluate_groups(truth, boxes, groups)
    evaluated = {truth.category_ids[name] for name in groups["all"]}
    judged = [judge(item) for item in scored]
    present = [item.iou for item in judged if item.objects]
    places = {image_id: place for place, image_id in enumerate(image_ids)}
    return DetectionMetrics(
        n=len(scored),
        images=len(image_ids),
        rules=found.rules,
        groups=found.groups,
        per_class=found.per_class,
        summary=found.summary,
        f1=f1(judged),
        mean_iou=fmean(item.iou for item in judged),
        mean_iou_present=fmean(present) if present else None,
        intervals=_intervals(scored, judged),
        calibration=calibrate(found.matches.values(), confidence_claims(judged, places), found.draws),
        counts=BoxCounts(
            boxes=len(boxes),
            invalid_boxes=sum(answer.invalid for answer in answers),
            duplicate_boxes=sum(len(answer.detections) for answer in answers) - len(boxes),
            boxes_without_confidence=sum(box["score"] == NO_CONFIDENCE for box in boxes),
            truths=sum(int(match.truths.sum()) for match in found.matches.values()),
            truths_not_asked=_truths_not_asked(scored, truth, evaluated),
        ),
        answers=answer_statistics(scored, reward),
        warnings=coordinate_warnings(scored),
    )


def coco_box(detection: Detection, item: ScoredAnswer, image_ids: Mapping[str, int | str]) -> dict[str, Any]:
    """A detection in COCO's results form: pixels ``[x, y, width, height]``, neither rounded nor clipped.

    The answer's coordinates are those of the question's ground truth, which knows their extent.
    """
    prediction = item.prediction
    x1, y1, x2, y2 = from_extent(detection.box, prediction.size, _truth(item).extent)
    return {
        "image_id": image_ids[prediction.image_id],
        "category_id": prediction.category_id,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "score": ranked_by(detection),
    }


def ranked_by(detection: Detection) -> float:
    """The confidence by which AP ranks a box; of one without, below all others."""
    return NO_CONFIDENCE if detection.confidence is None else detection.confidence


def distinct(detections: Iterable[Detection]) -> list[Detection]:
    """Keep the first of detections with the very same corners, as the published evaluation does.

    A repeated box finds no new object: under COCO's rules it could only be a false alarm.
    """
    first: dict[tuple[float, ...], Detection] = {}
    for detection in detections:
        first.setdefault(detection.box, detection)
    return list(first.values())


def require_known(predictions: Iterable[Prediction], truth: PreparedTruth, path: Path) -> None:
    """Refuse predictions about pictures or categories that the data do not have.

    Raises:
        UserError: The message names the first line.
    """
    images, names = truth.image_ids, {number: name for name, number in truth.category_ids.items()}
    for prediction in predictions:
        where = f"{path}: line {prediction.line}"
        if prediction.image_id not in images:
            raise UserError(
                f"{where}: image {prediction.image_id} is not in val_annotations.json; "
                "these predictions belong to other data"
            )
        if prediction.category_id is None or names.get(prediction.category_id) != prediction.category:
            raise UserError(
                f"{where}: category {prediction.category!r} (id {prediction.category_id}) "
                "is not in val_annotations.json; these predictions belong to other data"
            )


def _answer(item: ScoredAnswer) -> DetectionAnswer:
    answer = item.sample.answer
    assert isinstance(answer, DetectionAnswer)
    return answer


def _truth(item: ScoredAnswer) -> DetectionTruth:
    truth = item.sample.truth
    assert isinstance(truth, DetectionTruth)
    return truth


def _intervals(scored: Sequence[ScoredAnswer], judged: Sequence[Judged]) -> dict[str, Interval]:
    """The intervals of all means over questions."""
    images = [item.image_id for item in judged]
    formats = [float(_answer(item).has_format) for item in scored]
    shares = {
        "format_rate": list(zip(formats, images, strict=True)),
        "mean_iou": [(item.iou, item.image_id) for item in judged],
        "mean_iou_present": [(item.iou, item.image_id) for item in judged if item.objects],
    }
    return {"reward": mean_interval([item.reward["score"] for item in scored], images)} | {
        name: share_interval([value for value, _ in column], [1.0] * len(column), [image for _, image in column])
        for name, column in shares.items()
        if column
    }


def _truths_not_asked(scored: Iterable[ScoredAnswer], truth: PreparedTruth, evaluated: set[int]) -> int:
    asked = {(item.prediction.image_id, item.prediction.category_id) for item in scored}
    return sum(
        annotation["category_id"] in evaluated
        and not annotation.get("iscrowd", 0)
        and (str(annotation["image_id"]), annotation["category_id"]) not in asked
        for annotation in truth.annotations["annotations"]
    )
