# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The detection task."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from verl_visual_rft.answers.notations import MAX_BOXES
from verl_visual_rft.coordinates import Placement
from verl_visual_rft.tasks.detection.annotations import category_names, coco_truth
from verl_visual_rft.tasks.detection.answer import DetectionAnswer, parse_detection
from verl_visual_rft.tasks.detection.matching import match, ranked
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.detection.truth import TRUTH_FORM, DetectionTruth, read_detection, read_detection_solution
from verl_visual_rft.tasks.findings import Finding, place
from verl_visual_rft.tasks.marks import Mark, box_mark
from verl_visual_rft.tasks.matching import Matching
from verl_visual_rft.tasks.question import Line, Question
from verl_visual_rft.tasks.task import Task

_HERE = "verl_visual_rft.tasks.detection"


class Detection(Task[DetectionTruth, DetectionAnswer]):
    """Where are all objects of a category?"""

    name = "detection"
    summary = "every object of one category, as boxes with a confidence"
    truth_form = TRUTH_FORM
    json_keys = ("category", "boxes")
    json_example = '"category": "cup", "boxes": [[12, 40, 96, 130]]'
    coordinates = True
    most_marks = MAX_BOXES
    asks_confidence = True
    may_be_nothing = True
    quick = {"ap": "AP", "ap50": "AP50"}
    accuracies = ("iou", "f1", "ap")
    rewards = {
        "paper": f"{_HERE}.rewards:Paper",
        "reference": f"{_HERE}.reference:Reference",
        "robust": f"{_HERE}.rewards:Robust",
        "robust-1": f"{_HERE}.rewards:Robust1",
    }
    components = {
        "iou": f"{_HERE}.overlap:IoU",
        "giou": f"{_HERE}.overlap:GIoU",
        "diou": f"{_HERE}.overlap:DIoU",
        "ciou": f"{_HERE}.overlap:CIoU",
        "l1": f"{_HERE}.overlap:L1",
        "f1": f"{_HERE}.components:F1",
        "ap": f"{_HERE}.components:AP",
        "count": f"{_HERE}.components:Count",
        "confidence": f"{_HERE}.components:Confidence",
    }
    audit = f"{_HERE}.audit:AUDIT"
    metrics = f"{_HERE}.metrics:METRICS"

    read_truth = staticmethod(read_detection)
    read_solution = staticmethod(read_detection_solution)
    parse = staticmethod(parse_detection)

    def read_line(self, line: Line) -> DetectionQuestion:
        """Read ``category`` and ``boxes``; ids of categories come with `settle`."""
        return DetectionQuestion(
            line.picture, line.text("category"), 0, line.boxes(line.content["boxes"]), reward=line.reward
        )

    def settle(self, questions: Sequence[Question], source: Path) -> list[Question]:
        """Number the categories from 1 in alphabetical order."""
        asked = [question for question in questions if isinstance(question, DetectionQuestion)]
        ids = {name: number for number, name in enumerate(sorted({q.category for q in asked}), start=1)}
        return [replace(question, category_id=ids[question.category]) for question in asked]

    def manifest_keys(self, questions: Sequence[Question]) -> dict[str, Any]:
        """Return the categories: all are base."""
        names = category_names(questions)
        return {"categories": {"base": sorted(names.values()), "novel": []}} if names else {}

    def companions(
        self, questions: Sequence[Question], val: Sequence[Question], kept: Mapping[str, Placement]
    ) -> dict[str, Any]:
        """Return the truth in COCO format, against which AP is measured."""
        return {"val_annotations.json": coco_truth(val, kept, category_names(questions))} if val else {}

    def says(self, answer: DetectionAnswer, truth: DetectionTruth) -> bool:
        """Whether an answer lists exactly the true boxes, in any order."""
        return answer.is_as_asked and sorted(box for box, _ in answer.detections) == sorted(truth.boxes)

    def marks(self, answer: DetectionAnswer) -> tuple[Mark, ...]:
        """Return the valid boxes in the order of the answer."""
        return tuple(box_mark(box, confidence=confidence) for box, confidence in answer.detections)

    def match(self, answer: DetectionAnswer, truth: DetectionTruth, threshold: float | None) -> Matching:
        """Match as COCO's evaluation does: greedily, most confident first."""
        reports: list[Matching] = []
        match(answer, truth, math.ulp(0.0) if threshold is None else threshold, reports.append)
        return replace(reports[0], threshold=threshold)

    def find(self, answer: DetectionAnswer, truth: DetectionTruth) -> set[Finding]:
        """Compare the boxes, most confident first, with the objects."""
        return place([box for box, _ in ranked(answer.detections)], truth.boxes)

    def counts(self, answer: DetectionAnswer, truth: DetectionTruth) -> dict[str, float]:
        """Return the numbers of boxes answered, of those that are not valid, and of true ones."""
        return {
            "n_pred": float(answer.n_boxes),
            "n_invalid": float(answer.invalid),
            "n_truth": float(len(truth.boxes)),
        }
