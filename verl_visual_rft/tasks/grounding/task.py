# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The grounding task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from verl_visual_rft.answers.notations import MAX_BOXES
from verl_visual_rft.boxes import iou
from verl_visual_rft.tasks.findings import Finding, place
from verl_visual_rft.tasks.grounding.answer import GroundingAnswer, parse_grounding
from verl_visual_rft.tasks.grounding.matching import RULE, pair_up
from verl_visual_rft.tasks.grounding.question import GroundingQuestion
from verl_visual_rft.tasks.grounding.truth import TRUTH_FORM, GroundingTruth, read_grounding, read_grounding_solution
from verl_visual_rft.tasks.marks import Mark, box_mark
from verl_visual_rft.tasks.matching import Match, Matching, matching_of
from verl_visual_rft.tasks.question import Line, Question
from verl_visual_rft.tasks.task import Task

_HERE = "verl_visual_rft.tasks.grounding"


class Grounding(Task[GroundingTruth, GroundingAnswer]):
    """Where is what an instruction means?"""

    name = "grounding"
    summary = "the box that an instruction means, or several, or that it means nothing"
    truth_form = TRUTH_FORM
    json_keys = ("instruction", "box")
    json_synonyms = {"boxes": "box"}
    json_example = '"instruction": "what one drinks from", "box": [12, 40, 96, 130]'
    coordinates = True
    most_marks = MAX_BOXES
    may_be_nothing = True
    asks_by_name = False
    quick = {"miou": "Mean IoU", "pr_f1": "Pr@(F1=1)", "n_acc": "N-acc"}
    accuracies = ("iou",)
    rewards = {
        "paper": f"{_HERE}.rewards:Paper",
        "reference": f"{_HERE}.reference:Reference",
        "robust": f"{_HERE}.rewards:Robust",
        "robust-1": f"{_HERE}.rewards:Robust",
    }
    components = {
        "iou": f"{_HERE}.components:IoU",
        "giou": f"{_HERE}.components:GIoU",
        "diou": f"{_HERE}.components:DIoU",
        "ciou": f"{_HERE}.components:CIoU",
        "l1": f"{_HERE}.components:L1",
    }
    audit = f"{_HERE}.audit:AUDIT"
    metrics = f"{_HERE}.metrics:METRICS"

    def read_truth(self, content: Mapping[str, Any]) -> GroundingTruth:
        """Read ``{"box": [x1, y1, x2, y2]}``, or ``{"boxes": [...]}`` where any number may be meant."""
        return read_grounding(content)

    def read_solution(self, text: str) -> GroundingTruth:
        """Read a published solution, or one of several boxes or none."""
        return read_grounding_solution(text)

    def read_line(self, line: Line) -> GroundingQuestion:
        """Read ``instruction`` and ``box``, or ``boxes``: a list that may be empty or have several."""
        given = line.content["box"]
        is_list = isinstance(given, list) and all(isinstance(one, list) for one in given)
        boxes = line.boxes(given if is_list and (given or line.gave("boxes")) else [given])
        return GroundingQuestion(line.picture, line.text("instruction"), boxes, reward=line.reward)

    def settle(self, questions: Sequence[Question], source: Path) -> list[Question]:
        """Say in every prompt that there may be none or several boxes, where that is so of one of the questions.

        Else the prompt of a question would tell whether it means one thing.
        """
        asked = [question for question in questions if isinstance(question, GroundingQuestion)]
        any_number = any(len(question.boxes) != 1 for question in asked)
        return [replace(question, any_number=any_number) for question in asked]

    def parse(
        self, response: str, extent: tuple[float, float], think: bool, any_number: bool = False
    ) -> GroundingAnswer:
        """Read the boxes of a response: see `parse_grounding`."""
        return parse_grounding(response, extent, think, any_number)

    def says(self, answer: GroundingAnswer, truth: GroundingTruth) -> bool:
        """Whether an answer is the true boxes, in any order."""
        return answer.is_as_asked and sorted(answer.boxes) == sorted(truth.boxes)

    def marks(self, answer: GroundingAnswer) -> tuple[Mark, ...]:
        """Return the valid boxes in the order of the answer."""
        return tuple(map(box_mark, answer.boxes))

    def match(self, answer: GroundingAnswer, truth: GroundingTruth, threshold: float | None) -> Matching:
        """Hold every valid box against the one that is asked for; where any number is, match one to one."""
        marks, truths = self.marks(answer), truth.marks()
        if not truth.any_number:
            matches = tuple(Match(mark, true, iou(mark.box, true.box)) for mark in marks for true in truths)
            return Matching(None, matches, () if matches else truths)
        given: list[tuple[int | None, float]] = [(None, 0.0)] * len(marks)
        for answered, true in pair_up(answer.boxes, truth.boxes):
            overlap = iou(answer.boxes[answered], truth.boxes[true])
            given[answered] = (true, overlap) if overlap else (None, 0.0)
        return replace(matching_of(marks, truths, given, None), rule=RULE)

    def find(self, answer: GroundingAnswer, truth: GroundingTruth) -> set[Finding]:
        """Compare the boxes with the true ones."""
        return place(answer.boxes, truth.boxes)

    def counts(self, answer: GroundingAnswer, truth: GroundingTruth) -> dict[str, float]:
        """Return the numbers of boxes answered, and of those that are not valid."""
        return {"n_pred": float(answer.n_boxes), "n_invalid": float(answer.invalid)}
