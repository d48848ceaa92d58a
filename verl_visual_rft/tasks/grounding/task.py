# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The grounding task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verl_visual_rft.answers import Outcome
from verl_visual_rft.boxes import iou
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.findings import Finding, place
from verl_visual_rft.tasks.grounding.answer import GroundingAnswer, parse_grounding
from verl_visual_rft.tasks.grounding.question import GroundingQuestion
from verl_visual_rft.tasks.grounding.truth import TRUTH_FORM, GroundingTruth, read_grounding, read_grounding_solution
from verl_visual_rft.tasks.marks import Mark, box_mark
from verl_visual_rft.tasks.matching import Match, Matching
from verl_visual_rft.tasks.question import Line, Question
from verl_visual_rft.tasks.task import Task

_HERE = "verl_visual_rft.tasks.grounding"


class Grounding(Task[GroundingTruth, GroundingAnswer]):
    """Where is what an instruction means?"""

    name = "grounding"
    summary = "the one box that an instruction means"
    truth_form = TRUTH_FORM
    json_keys = ("instruction", "box")
    json_synonyms = {"boxes": "box"}
    json_example = '"instruction": "what one drinks from", "box": [12, 40, 96, 130]'
    coordinates = True
    asks_by_name = False
    quick = {"miou": "Mean IoU"}
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
        """Read ``{"box": [x1, y1, x2, y2]}``."""
        return read_grounding(content)

    def read_solution(self, text: str) -> GroundingTruth:
        """Read a published solution."""
        return read_grounding_solution(text)

    def read_line(self, line: Line) -> Question:
        """Read ``instruction`` and ``box``; with several boxes, or none, it is asked as detection."""
        instruction, box = line.text("instruction"), line.content["box"]
        listed = box if isinstance(box, list) and box and all(isinstance(one, list) for one in box) else None
        if box == [] and line.gave("boxes"):
            listed = []
        if listed is None or len(listed) == 1:
            (one,) = line.boxes(listed or [box])
            return GroundingQuestion(line.picture, instruction, one, reward=line.reward)
        line.mended("instruction with several boxes, asked as detection")
        return DetectionQuestion(line.picture, instruction, 0, line.boxes(listed), reward=line.reward)

    def parse(self, response: str, extent: tuple[float, float], think: bool) -> GroundingAnswer:
        """Read the box of a response: see `parse_grounding`."""
        return parse_grounding(response, extent, think)

    def says(self, answer: GroundingAnswer, truth: GroundingTruth) -> bool:
        """Whether an answer is the true box."""
        return answer.outcome is Outcome.WELL_FORMED and answer.box == truth.box

    def marks(self, answer: GroundingAnswer) -> tuple[Mark, ...]:
        """Return the valid boxes in the order of the answer."""
        return tuple(map(box_mark, answer.boxes))

    def match(self, answer: GroundingAnswer, truth: GroundingTruth, threshold: float | None) -> Matching:
        """Hold every valid box against the true one."""
        (true,) = truth.marks()
        matches = tuple(Match(mark, true, iou(mark.box, truth.box)) for mark in self.marks(answer))
        return Matching(None, matches, () if matches else (true,))

    def find(self, answer: GroundingAnswer, truth: GroundingTruth) -> set[Finding]:
        """Compare the boxes with the true one."""
        return place(answer.boxes, (truth.box,))

    def counts(self, answer: GroundingAnswer, truth: GroundingTruth) -> dict[str, float]:
        """Return the numbers of boxes answered, and of those that are not valid."""
        return {"n_pred": float(answer.n_boxes), "n_invalid": float(answer.invalid)}
