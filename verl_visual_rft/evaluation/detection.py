# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Detection metrics of a predictions file: AP of base and novel categories, mean reward, format and parse outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.table import Table

from verl_visual_rft.answers import Detection, DetectionAnswer, parse_detection
from verl_visual_rft.coordinates import from_thousandths
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.atomic import write_json
from verl_visual_rft.evaluation.coco_ap import AveragePrecision, average_precision_by_class
from verl_visual_rft.evaluation.predictions import Prediction, read_predictions
from verl_visual_rft.evaluation.prepared import PreparedTruth, load_truth
from verl_visual_rft.rewards import score


@dataclass(frozen=True)
class ScoredPrediction:
    """A prediction with what the parser and the reward make of it."""

    prediction: Prediction
    answer: DetectionAnswer
    reward: dict[str, float]


@dataclass(frozen=True)
class GroupAP:
    """Means over the categories of a group that have ground truth, in percent; ``None`` where none has.

    Attributes:
        ap: Mean AP over IoU 0.50 to 0.95.
        ap50: Mean AP at IoU 0.50.
        ap75: Mean AP at IoU 0.75.
        classes: How many categories the means are over.
        without_truth: Names of the categories that were left out because no picture shows them.
    """

    ap: float | None
    ap50: float | None
    ap75: float | None
    classes: int
    without_truth: tuple[str, ...]


@dataclass(frozen=True)
class DetectionMetrics:
    """All that one predictions file says about a detector.

    Attributes:
        n: Questions asked, one for each (image, category).
        reward_name: The reward that ``reward`` and ``mean_iou`` are means of.
        reward: Mean total reward over the questions.
        mean_iou: Mean of the reward's IoU component over the questions; ``None`` where it has none.
        mean_iou_present: The same over the questions whose object is in the picture: a model that always answers
            "No Objects" has a ``mean_iou`` of the share of the other questions, and 0 here.
        format_rate: Share of the answers in the asked-for format, 0 to 1.
        outcomes: How many answers had each parse outcome.
        cut_answers: Answers that ended at the token limit.
        boxes: Boxes that went into AP.
        invalid_boxes: Boxes that the parser refused.
        duplicate_boxes: Boxes dropped because the same answer had given the very same corners before.
        boxes_without_confidence: Boxes that entered AP with score 0, behind every box with a confidence.
        groups: AP of ``base``, ``novel`` and ``all``.
        per_class: AP of each category in percent; ``None`` where it has no ground truth.
    """

    n: int
    reward_name: str
    reward: float
    mean_iou: float | None
    mean_iou_present: float | None
    format_rate: float
    outcomes: dict[str, int]
    cut_answers: int
    boxes: int
    invalid_boxes: int
    duplicate_boxes: int
    boxes_without_confidence: int
    groups: dict[str, GroupAP]
    per_class: dict[str, AveragePrecision | None]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dictionary, with ``map_base``, ``map_novel`` and ``map_all`` (percent) at the top."""
        means = {f"map_{name}": group.ap for name, group in self.groups.items()}
        return {**means, **asdict(self)}


def evaluate_predictions(predictions: Path, prepared: Path, reward: str) -> DetectionMetrics:
    """Score a predictions file against the prepared data that it answers.

    Args:
        predictions: File that ``predict`` wrote.
        prepared: Folder with ``val_annotations.json`` and ``manifest.json``.
        reward: Named detection reward, e.g. ``"robust"``.

    Raises:
        UserError: A file is missing or malformed, or an answer is about a picture or category that the data lacks.
    """
    truth = load_truth(prepared)
    answered = read_predictions(predictions)
    _refuse_strangers(answered, truth, predictions)
    return measure(score_predictions(answered, reward), truth, reward)


def metrics_table(metrics: DetectionMetrics) -> Table:
    """The figures that a person asks for first, for a terminal."""
    table = Table("categories", "AP", "AP50", "AP75", title=f"{metrics.n} questions", title_justify="left")
    for name, group in metrics.groups.items():
        figures = ("n/a" if value is None else f"{value:.1f}" for value in (group.ap, group.ap50, group.ap75))
        table.add_row(f"{name} ({group.classes})", *figures)
    outcomes = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in metrics.outcomes.items())
    table.caption = (
        f"reward {metrics.reward_name} {metrics.reward:.3f}, format {metrics.format_rate:.1%}; answers: {outcomes}"
    )
    return table


def score_predictions(predictions: Iterable[Prediction], reward: str) -> list[ScoredPrediction]:
    """Parse each response and compute its named reward."""
    return [
        ScoredPrediction(
            prediction,
            parse_detection(prediction.response),
            score("detection", prediction.response, prediction.ground_truth, reward=reward),
        )
        for prediction in predictions
    ]


def measure(scored: Sequence[ScoredPrediction], truth: PreparedTruth, reward: str) -> DetectionMetrics:
    """Metrics of scored predictions; ``scored`` must not be empty."""
    kept = [(d, item.prediction) for item in scored for d in distinct_detections(item.answer.detections)]
    boxes = [coco_box(detection, prediction, truth.image_ids) for detection, prediction in kept]
    ids = truth.category_ids
    evaluated = [name for name in ids if name in {*truth.groups["base"], *truth.groups["novel"]}]
    by_id = average_precision_by_class(truth.annotations, boxes, [ids[name] for name in evaluated])
    per_class = {name: by_id[ids[name]] for name in evaluated}
    return DetectionMetrics(
        n=len(scored),
        reward_name=reward,
        reward=fmean(item.reward["score"] for item in scored),
        mean_iou=_mean_iou(scored),
        mean_iou_present=_mean_iou([item for item in scored if item.prediction.truth_boxes]),
        format_rate=fmean(item.answer.has_format for item in scored),
        outcomes=dict(sorted(Counter(item.answer.outcome.value for item in scored).items())),
        cut_answers=sum(item.prediction.finish_reason == "length" for item in scored),
        boxes=len(boxes),
        invalid_boxes=sum(item.answer.invalid for item in scored),
        duplicate_boxes=sum(len(item.answer.detections) for item in scored) - len(boxes),
        boxes_without_confidence=sum(detection.confidence is None for detection, _ in kept),
        groups={
            "base": _group_ap(per_class, truth.groups["base"]),
            "novel": _group_ap(per_class, truth.groups["novel"]),
            "all": _group_ap(per_class, evaluated),
        },
        per_class=per_class,
    )


def distinct_detections(detections: Iterable[Detection]) -> list[Detection]:
    """Keep the first of detections with the very same corners, as the published evaluation does.

    A repeated box finds no new object: under COCO's rules it could only be a false alarm.
    """
    first: dict[tuple[float, ...], Detection] = {}
    for detection in detections:
        first.setdefault(tuple(detection.box), detection)
    return list(first.values())


def coco_box(detection: Detection, prediction: Prediction, image_ids: dict[str, int | str]) -> dict[str, Any]:
    """A detection in COCO's results form: pixels ``[x, y, width, height]``, neither rounded nor clipped.

    A box without a confidence gets score 0: it stays in AP, ranked last, rather than vanish.
    """
    x1, y1, x2, y2 = from_thousandths(detection.box, prediction.size)
    return {
        "image_id": image_ids[prediction.image_id],
        "category_id": prediction.category_id,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "score": 0.0 if detection.confidence is None else detection.confidence,
    }


def write_metrics(metrics: DetectionMetrics, path: Path) -> None:
    """Write the metrics as JSON."""
    write_json(path, metrics.to_dict())


def _mean_iou(scored: Sequence[ScoredPrediction]) -> float | None:
    values = [item.reward["iou"] for item in scored if "iou" in item.reward]
    return fmean(values) if values else None


def _group_ap(per_class: dict[str, AveragePrecision | None], names: Sequence[str]) -> GroupAP:
    present = [ap for name in names if (ap := per_class[name]) is not None]
    without_truth = tuple(name for name in names if per_class[name] is None)
    if not present:
        return GroupAP(None, None, None, 0, without_truth)
    return GroupAP(
        ap=fmean(ap.ap for ap in present),
        ap50=fmean(ap.ap50 for ap in present),
        ap75=fmean(ap.ap75 for ap in present),
        classes=len(present),
        without_truth=without_truth,
    )


def _refuse_strangers(predictions: Sequence[Prediction], truth: PreparedTruth, path: Path) -> None:
    images, categories = truth.image_ids, set(truth.category_ids.values())
    for prediction in predictions:
        if prediction.image_id not in images:
            raise UserError(
                f"{path}: row {prediction.index}: image {prediction.image_id} is not in val_annotations.json; "
                "these predictions belong to other data"
            )
        if prediction.category_id not in categories:
            raise UserError(
                f"{path}: row {prediction.index}: category {prediction.category!r} (id {prediction.category_id}) "
                "is not in val_annotations.json; these predictions belong to other data"
            )
