# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The counting task."""

from __future__ import annotations

from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.counting.answer import LARGEST, CountingAnswer, parse_counting
from verl_visual_rft.tasks.counting.question import CountingQuestion
from verl_visual_rft.tasks.counting.truth import (
    TRUTH_FORM,
    CountingTruth,
    is_count,
    read_counting,
    read_counting_solution,
)
from verl_visual_rft.tasks.findings import Finding
from verl_visual_rft.tasks.marks import Mark, text_mark
from verl_visual_rft.tasks.question import Line
from verl_visual_rft.tasks.task import Task

_HERE = "verl_visual_rft.tasks.counting"


class Counting(Task[CountingTruth, CountingAnswer]):
    """How many objects of a category are there?"""

    name = "counting"
    summary = "how many objects of one category there are"
    truth_form = TRUTH_FORM
    json_keys = ("category", "count")
    json_example = '"category": "cup", "count": 3'
    may_be_nothing = True
    quick = {"count_accuracy": "Exact counts"}
    accuracies = ("exact", "closeness")
    rewards = {"robust": f"{_HERE}.rewards:Robust"}
    components = {"exact": f"{_HERE}.components:Exact", "closeness": f"{_HERE}.components:Closeness"}
    audit = f"{_HERE}.audit:AUDIT"
    metrics = f"{_HERE}.metrics:METRICS"

    read_truth = staticmethod(read_counting)
    read_solution = staticmethod(read_counting_solution)

    def read_line(self, line: Line) -> CountingQuestion:
        """Read ``category`` and ``count``."""
        category, count = line.text("category"), line.content["count"]
        if not is_count(count):
            raise UserError(f"'count' is {count!r}, not a whole number from 0 to {LARGEST}")
        return CountingQuestion(line.picture, category, None, count, reward=line.reward)

    def parse(self, response: str, extent: tuple[float, float], think: bool) -> CountingAnswer:
        """Read the number of a response: see `parse_counting`."""
        return parse_counting(response, think)

    def says(self, answer: CountingAnswer, truth: CountingTruth) -> bool:
        """Whether an answer is the true number, in the form that the prompt asks for."""
        return answer.is_as_asked and answer.count == truth.count

    def marks(self, answer: CountingAnswer) -> tuple[Mark, ...]:
        """Return the number that was answered, if one was."""
        return () if answer.count is None else (text_mark(str(answer.count)),)

    def find(self, answer: CountingAnswer, truth: CountingTruth) -> set[Finding]:
        """Whether objects were missed, or counted that are not there."""
        if answer.count is None or answer.count == truth.count:
            return set()
        return {Finding.MISSED if answer.count < truth.count else Finding.FALSE_ALARM}

    def counts(self, answer: CountingAnswer, truth: CountingTruth) -> dict[str, float]:
        """Return the answered number, 0 where there is none, and the true one."""
        return {"n_pred": float(answer.count or 0), "n_truth": float(truth.count)}
