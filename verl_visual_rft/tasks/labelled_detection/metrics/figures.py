# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""All that one predictions file says about a detector of several categories."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from verl_visual_rft.evaluation.results import AnswerStatistics, Figure, figures_table
from verl_visual_rft.tasks.detection.metrics.group_ap import ClassAP, GroupAP
from verl_visual_rft.tasks.labelled_detection.metrics.judged import Mistakes

_SHOWN = 10


@dataclass(frozen=True)
class LabelledMetrics:
    """AP, F1 with and without names, and counts.

    Attributes:
        n: Questions asked, each a picture.
        images: Pictures that AP is over, asked about or not.
        groups: AP over ``all`` categories that have ground truth, and over the paper's lists of which all are there.
        per_class: AP of each category; ``None`` where it has no ground truth.
        summary: The evaluator's own figures over all categories: see `BoxEvaluation`.
        f1: F1 of all answered boxes at IoU 0.5, those that are not valid or named otherwise among them.
        f1_any_label: The same where the name does not matter: the difference is what wrong names cost.
        naming: Share of the boxes on an object that are named right.
        mistakes: What became of boxes and objects.
        boxes: Boxes that went into AP.
        duplicate_boxes: Boxes dropped because the answer had given the same corners under the same name before.
        boxes_without_confidence: Boxes that AP ranks equal, behind those with a confidence.
        truths: Objects, crowds not counted.
        answers: What the answers are counted by.
        warnings: What speaks against these figures, with the evidence.
    """

    n: int
    images: int
    groups: dict[str, GroupAP]
    per_class: dict[str, ClassAP | None]
    summary: dict[str, float | None]
    f1: Figure | None
    f1_any_label: Figure | None
    naming: Figure | None
    mistakes: Mistakes
    boxes: int
    duplicate_boxes: int
    boxes_without_confidence: int
    truths: int
    answers: AnswerStatistics
    warnings: tuple[str, ...]

    task = "labelled_detection"

    def figures(self) -> dict[str, Figure | None]:
        """AP over all categories, its ``n`` their number, and the shares over all boxes."""
        figures = self.groups["all"].figures()
        return figures | {"f1": self.f1, "f1_any_label": self.f1_any_label, "naming": self.naming}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dictionary: the figures and the statistics of the answers at the top."""
        content = asdict(self)
        answers = content.pop("answers")
        figures = {name: figure and asdict(figure) for name, figure in self.figures().items()}
        return {"task": self.task, **content, **figures, **answers}

    def table(self) -> RenderableType:
        """The figures, and the categories in which most objects are."""
        title = f"labelled detection, {self.n} questions, {self.images} pictures, rules of COCO"
        table = Table("category", title=f"of {len(self.per_class)} categories", title_justify="left", box=SIMPLE_HEAD)
        for heading in ("objects", "AP", "AP50"):
            table.add_column(heading, justify="right")
        shown = [(ap.truths, name, ap) for name, ap in self.per_class.items() if ap is not None]
        for truths, name, ap in sorted(shown, key=lambda entry: (-entry[0], entry[1]))[:_SHOWN]:
            table.add_row(Text(name), str(truths), f"{ap.ap:.1f}", f"{ap.ap50:.1f}")
        return Group(figures_table(title, self.figures(), "\n".join(self._remarks())), table)

    def _remarks(self) -> list[str]:
        found = self.mistakes
        remarks = [
            str(self.answers),
            f"boxes: {found.right} right, {found.wrong_label} with a wrong label, {found.badly_placed} badly placed, "
            f"{found.repeated} repeated, {found.on_nothing} on nothing, {found.invalid} invalid; {found.missed} "
            f"objects missed; {found.not_asked} labels name no category that was asked for",
        ]
        if self.boxes_without_confidence:
            remarks.append(
                f"{self.boxes_without_confidence} of {self.boxes} boxes have no confidence: AP ranks them by picture"
            )
        left_out = self.groups["all"].without_truth
        if left_out:
            remarks.append(f"without ground truth, left out of the means: {len(left_out)} categories")
        return remarks + [f"warning: {warning}" for warning in self.warnings]
