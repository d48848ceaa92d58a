# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""All that one predictions file says about a detector."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from verl_visual_rft.evaluation.bootstrap import Interval
from verl_visual_rft.evaluation.results import AnswerStatistics, Figure, percent
from verl_visual_rft.tasks.detection.metrics.calibration import Calibration
from verl_visual_rft.tasks.detection.metrics.group_ap import ClassAP, GroupAP


@dataclass(frozen=True)
class BoxCounts:
    """What became of the boxes, and of the truths.

    Attributes:
        boxes: Boxes that went into AP.
        invalid_boxes: Boxes that the parser refused.
        duplicate_boxes: Boxes dropped because the same answer had given the very same corners before.
        boxes_without_confidence: Boxes that entered AP behind every box with a confidence.
        truths: Objects of the evaluated categories, crowds not counted.
        truths_not_asked: Those of them that no question asked for: they are missed, whatever the model can do.
    """

    boxes: int
    invalid_boxes: int
    duplicate_boxes: int
    boxes_without_confidence: int
    truths: int
    truths_not_asked: int


@dataclass(frozen=True)
class DetectionMetrics:
    """AP, mean IoU, calibration and counts.

    Attributes:
        n: Questions asked, one for each (image, category).
        images: Pictures that AP is over, asked about or not.
        rules: ``coco``, or ``lvis`` where the annotation is federated.
        groups: AP by group of categories: see `category_groups`.
        per_class: AP of each category; ``None`` where it has no ground truth.
        summary: The evaluator's own figures over all evaluated categories: see `BoxEvaluation`.
        f1: F1 of all answered boxes at IoU 0.5, boxes that are not valid among them, whatever their confidence, in
            percent; ``None`` without boxes and objects.
        mean_iou: Mean over the questions of ``2 sum IoU / (boxes + objects)``, 0 to 1, whatever the reward: see
            `question_figures.Judged`.
        mean_iou_present: The same over the questions whose object is in the picture: a model that always answers
            "No Objects" has a ``mean_iou`` of the share of the other questions, and 0 here.
        intervals: 95 % intervals over pictures of ``reward``, ``format_rate``, ``mean_iou`` and ``mean_iou_present``.
        calibration: Confidence against precision; ``None`` where no box has a confidence.
        counts: Of boxes and truths.
        answers: What the answers are counted by.
        warnings: What speaks against these figures, with the evidence.
    """

    n: int
    images: int
    rules: str
    groups: dict[str, GroupAP]
    per_class: dict[str, ClassAP | None]
    summary: dict[str, float | None]
    f1: Figure | None
    mean_iou: float
    mean_iou_present: float | None
    intervals: dict[str, Interval]
    calibration: Calibration | None
    counts: BoxCounts
    answers: AnswerStatistics
    warnings: tuple[str, ...]

    task = "detection"

    def figures(self) -> dict[str, Figure | None]:
        """AP of each group, its ``n`` the number of categories that it is a mean over, and F1."""
        figures = {
            f"{figure}_{name}": value
            for name, group in self.groups.items()
            for figure, value in group.figures().items()
        }
        return figures | {"f1": self.f1}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dictionary: ``map_<group>`` in percent, statistics of the answers and counts at the top.

        ``intervals`` holds those of the means at the top.
        """
        content = asdict(self)
        answers, counts = content.pop("answers"), content.pop("counts")
        means = {f"map_{name}": group.ap for name, group in self.groups.items()}
        intervals = {f"map_{name}": group["ap_interval"] for name, group in content["groups"].items()}
        content["intervals"].update(intervals)
        return {"task": self.task, **means, **answers, **counts, **content}

    def table(self) -> RenderableType:
        """The figures that a person asks for first, for a terminal."""
        lvis = self.rules == "lvis"
        table = Table(title=self._title(), title_justify="left", box=SIMPLE_HEAD)
        table.add_column("categories")
        for heading in ("n", "AP", "95 % interval", "AP50", "AP75", *(["AP over areas"] if lvis else [])):
            table.add_column(heading, justify="right", no_wrap=True)
        for name, group in self.groups.items():
            interval = group.ap_interval
            table.add_row(
                name,
                str(group.classes),
                percent(group.ap),
                f"{interval.low:.1f} to {interval.high:.1f}" if interval else "",
                *(percent(value) for value in (group.ap50, group.ap75)),
                *([percent(group.ap_over_areas)] if lvis else []),
            )
        return Group(table, Text("\n".join(self._remarks())))

    def _title(self) -> str:
        return f"{self.n} questions, {self.images} pictures, rules of {self.rules.upper()}"

    def _remarks(self) -> list[str]:
        counts, calibration = self.counts, self.calibration
        remarks = [
            str(self.answers),
            f"boxes: {counts.boxes} for {counts.truths} objects, {counts.invalid_boxes} more invalid, "
            f"{counts.duplicate_boxes} repeated, {counts.boxes_without_confidence} without confidence",
            f"F1 at IoU 0.5 {'n/a' if self.f1 is None else self.f1}, mean IoU {self.mean_iou:.3f}",
        ]
        if counts.truths_not_asked:
            remarks.append(f"{counts.truths_not_asked} of {counts.truths} objects were not asked for: they are missed")
        if calibration:
            remarks.append(
                f"confidence {calibration.confidence:.2f}, precision at IoU 0.5 {calibration.precision:.2f}, "
                f"calibration error {calibration.ece:.2f} (n {calibration.n})"
                + ("" if calibration.la_ece is None else f", localisation-aware {calibration.la_ece:.2f}")
            )
        left_out = self.groups["all"].without_truth
        if left_out:
            remarks.append(f"without ground truth, left out of the means: {', '.join(left_out)}")
        return remarks + [f"warning: {warning}" for warning in self.warnings]
