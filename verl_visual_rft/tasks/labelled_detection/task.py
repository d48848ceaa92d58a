# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The labelled detection task."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from verl_visual_rft.answers.notations import MAX_BOXES
from verl_visual_rft.coordinates import Placement
from verl_visual_rft.errors import UserError
from verl_visual_rft.labels import match_closed_set
from verl_visual_rft.prompts import PLACEHOLDER
from verl_visual_rft.tasks.findings import FOUND_IOU, Finding, place
from verl_visual_rft.tasks.labelled_detection.annotations import ANNOTATIONS, category_names, labelled_truth
from verl_visual_rft.tasks.labelled_detection.answer import LabelledAnswer, parse_labelled
from verl_visual_rft.tasks.labelled_detection.matching import match
from verl_visual_rft.tasks.labelled_detection.question import LabelledQuestion
from verl_visual_rft.tasks.labelled_detection.truth import (
    TRUTH_FORM,
    LabelledTruth,
    read_labelled,
    read_labelled_solution,
)
from verl_visual_rft.tasks.marks import Mark, box_mark
from verl_visual_rft.tasks.matching import Matching
from verl_visual_rft.tasks.question import Line, Question
from verl_visual_rft.tasks.reading import is_name
from verl_visual_rft.tasks.task import Task

_HERE = "verl_visual_rft.tasks.labelled_detection"
_OBJECT_FORM = '{"bbox_2d": [x1, y1, x2, y2], "label": "name"}'


class LabelledDetection(Task[LabelledTruth, LabelledAnswer]):
    """Where are all objects of these categories, and of which is each?"""

    name = "labelled_detection"
    summary = "every object of several categories in one prompt, as boxes with a label"
    truth_form = TRUTH_FORM
    json_keys = ("objects",)
    json_optional = ("categories",)
    json_example = '"categories": ["cup", "pen"], "objects": [{"bbox_2d": [12, 40, 96, 130], "label": "cup"}]'
    coordinates = True
    most_marks = MAX_BOXES
    may_be_nothing = True
    asks_by_name = False
    quick = {"labelled_ap": "Labelled AP", "labelled_ap50": "Labelled AP50", "labelled_f1": "Labelled F1"}
    accuracies = ("iou", "f1", "placement", "naming")
    rewards = {"robust": f"{_HERE}.rewards:Robust"}
    components = {
        "iou": f"{_HERE}.components:IoU",
        "f1": f"{_HERE}.components:F1",
        "placement": f"{_HERE}.components:Placement",
        "naming": f"{_HERE}.components:Naming",
        "max_iou": f"{_HERE}.components:MaxIoU",
        "confidence": f"{_HERE}.components:Confidence",
    }
    audit = f"{_HERE}.audit:AUDIT"
    metrics = f"{_HERE}.metrics:METRICS"

    read_truth = staticmethod(read_labelled)
    read_solution = staticmethod(read_labelled_solution)
    parse = staticmethod(parse_labelled)

    def read_line(self, line: Line) -> LabelledQuestion:
        """Read ``objects`` and ``categories``; without these, all of the data set are asked for: see `settle`."""
        categories = _categories(line.content.get("categories", []), "categories" in line.content)
        listed = line.content["objects"]
        if not isinstance(listed, list):
            raise UserError(f"'objects' is {listed!r}, not a list of {_OBJECT_FORM}")
        boxes: dict[str, list[Any]] = {name: [] for name in categories}
        for entry in listed:
            if not isinstance(entry, dict) or entry.keys() != {"bbox_2d", "label"} or not is_name(entry["label"]):
                raise UserError(f"an object is {entry!r}, not {_OBJECT_FORM}")
            if categories and entry["label"] not in categories:
                raise UserError(
                    f"the label {entry['label']!r} is not one of its 'categories'; they are all to be listed"
                )
            boxes.setdefault(_usable(entry["label"]), []).append(entry["bbox_2d"])
        objects = tuple((box, name) for name, given in boxes.items() for box in line.boxes(given))
        return LabelledQuestion(line.picture, categories, objects, reward=line.reward)

    def settle(self, questions: Sequence[Question], source: Path) -> list[Question]:
        """Ask for all categories and labels of the files, in alphabetical order, where a line lists none."""
        asked = [question for question in questions if isinstance(question, LabelledQuestion)]
        labels = {label for question in asked for _, label in question.objects}
        every = tuple(sorted(labels.union(category_names(asked))))
        if all(question.categories for question in asked):
            return [*asked]
        if not every:
            raise UserError(f"{source}: no line names a category; list them under 'categories'")
        try:
            _distinct(every)
        except UserError as error:
            raise UserError(f"{source}: all categories and labels together: {error}") from error
        return [question if question.categories else replace(question, categories=every) for question in asked]

    def manifest_keys(self, questions: Sequence[Question]) -> dict[str, Any]:
        """Return all categories that are asked for."""
        return {"labelled_categories": category_names(questions)}

    def companions(
        self, questions: Sequence[Question], val: Sequence[Question], kept: Mapping[str, Placement]
    ) -> dict[str, Any]:
        """Return the truth in COCO format, against which AP is measured."""
        return {ANNOTATIONS: labelled_truth(val, kept, category_names(questions))} if val else {}

    def says(self, answer: LabelledAnswer, truth: LabelledTruth) -> bool:
        """Whether an answer lists exactly the true boxes under their names, in any order."""
        return answer.is_as_asked and sorted((box, label) for box, label, _ in answer.objects) == sorted(truth.objects)

    def marks(self, answer: LabelledAnswer) -> tuple[Mark, ...]:
        """Return the valid boxes in the order of the answer."""
        return tuple(box_mark(*labelled) for labelled in answer.objects)

    def match(self, answer: LabelledAnswer, truth: LabelledTruth, threshold: float | None) -> Matching:
        """Match one to one within the labels."""
        reports: list[Matching] = []
        match(answer, truth, math.ulp(0.0) if threshold is None else threshold, reports.append)
        return replace(reports[0], threshold=threshold)

    def find(self, answer: LabelledAnswer, truth: LabelledTruth) -> set[Finding]:
        """Compare the boxes with the objects: wrong names first, places of what is left over."""
        boxes = match(answer, truth, FOUND_IOU).boxes
        findings = {Finding.WRONG_CLASS} if any(box.place is not None and not box.right for box in boxes) else set()
        taken = {box.place for box in boxes}
        free = [box for number, (box, _) in enumerate(truth.objects) if number not in taken]
        return findings | place([box.answered.box for box in boxes if box.place is None], free)

    def counts(self, answer: LabelledAnswer, truth: LabelledTruth) -> dict[str, float]:
        """Return the numbers of boxes answered, of those that are not valid or have no label, and of true ones."""
        return {
            "n_pred": float(answer.n_boxes),
            "n_invalid": float(answer.invalid),
            "n_truth": float(len(truth.objects)),
        }


def _categories(value: Any, given: bool) -> tuple[str, ...]:
    """Return the categories of a line; none where it does not list them."""
    if not given:
        return ()
    if not isinstance(value, list) or not value or not all(map(is_name, value)):
        raise UserError(f"'categories' is {value!r}, not a list of names")
    return _distinct(tuple(map(_usable, value)))


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse names that answers could not tell apart."""
    if len({*names}) < len(names):
        raise UserError("'categories' names a category twice")
    match_closed_set(names[0], names, {})
    return names


def _usable(name: str) -> str:
    if PLACEHOLDER.search(name):
        raise UserError(f"the category {name!r} contains a placeholder that veRL would replace by an image")
    return name
