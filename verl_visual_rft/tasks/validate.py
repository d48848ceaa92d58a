# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a task keeps its contract: what ``visual-rft task validate`` proves before anyone trains with it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.prompts import with_thinking
from verl_visual_rft.tasks.audited import AuditedTask, Question, audited
from verl_visual_rft.tasks.audited.question import make_question, with_knowledge_of_the_set
from verl_visual_rft.tasks.metrics import metrics_of
from verl_visual_rft.tasks.reading import read_truth
from verl_visual_rft.tasks.sample import Sample, make_sample
from verl_visual_rft.tasks.task import Task, Truth

#: Truths that every check is made on.
TRUTHS = 40
_REASONING = " The outline and the colour set it apart from the background. "
_ANY_TEXT = (
    "",
    " ",
    "<answer></answer>",
    "<answer>",
    "</answer><answer>",
    "<think>",
    "I do not know.",
    "<think> a </think> <answer>No Objects</answer>",
    "<answer>[]</answer>",
    '<answer>[{"a": [1, 2, 3, 4]}]</answer>',
    "<answer>(1,2),(3,4)</answer>",
    "<answer>" + "9" * 400 + "</answer>",
    "<answer>nan, inf, -1e308</answer>",
    "<answer>" + "[" * 5000 + "</answer>",
    "\ud800 \u202e <answer>\x00</answer>",
)
_ROUNDING = 1e-9

#: Scores a sample by the reward that the task is validated with: its numbers, the total under "score".
Score = Callable[[Sample], Mapping[str, float]]


@dataclass(frozen=True)
class Breach:
    """A clause of the contract that a task does not keep.

    Attributes:
        clause: Which, in a few words.
        problem: With what, and what came of it.
    """

    clause: str
    problem: str

    def __str__(self) -> str:
        return f"{self.clause}: {self.problem}"


def validate(task: Task[Any, Any], score: Score, highest: float | None, seed: int = 0) -> Iterator[Breach]:
    """Give what of the contract a task does not keep, the first example of each clause.

    Args:
        task: To be checked.
        score: Its default reward.
        highest: Top of that reward's range; None where it does not say.
        seed: Of the truths that are made up.

    Raises:
        UserError: A part that the task names cannot be loaded.
    """
    played = audited(task)
    for clause, check in _CLAUSES.items():
        try:
            problem = next(check(_Checked(task, played, score, highest, seed)), None)
        except Exception as error:  # a task of another package may raise anything
            problem = f"raised {type(error).__name__}: {error}"
        if problem:
            yield Breach(clause, problem)


@dataclass(frozen=True)
class _Checked:
    task: Task[Any, Any]
    played: AuditedTask
    score: Score
    highest: float | None
    seed: int

    def contents(self) -> Iterator[dict[str, Any]]:
        """Ground truths made up, those that ask for thinking and those that do not."""
        rng = Random(f"validate {self.seed}")
        for number in range(TRUTHS):
            yield {**self.played.make_truth(rng), **({} if number % 2 else {"think": False})}

    def truths(self) -> Iterator[tuple[dict[str, Any], Truth]]:
        """The same with the typed truths."""
        for content in self.contents():
            yield content, read_truth(self.task.name, content)

    def questions(self) -> list[Question]:
        """The same as questions that policies answer."""
        return with_knowledge_of_the_set([make_question(self.task.name, content) for content in self.contents()])

    def sample(self, response: str, content: Mapping[str, Any]) -> Sample:
        return make_sample(self.task.name, response, dict(content))


def gold_answer(truth: Truth) -> str:
    """Return a whole response that says a truth as its prompt asks for it."""
    return with_thinking(truth.solution, _REASONING) if truth.think else truth.solution


def _described(checked: _Checked) -> Iterator[str]:
    task = checked.task
    if not task.name.isidentifier():
        yield f"the name {task.name!r} is no identifier, so no reward can have a method for it"
    for name in ("summary", "truth_form"):
        if not getattr(task, name, "").strip() or "\n" in getattr(task, name):
            yield f"{name} is not one line"
    if not task.quick:
        yield "quick names no metric"


def _read(checked: _Checked) -> Iterator[str]:
    for content, truth in checked.truths():
        if read_truth(checked.task.name, json.dumps(content)) != truth:
            yield f"the truth {content} is another when it is read from JSON"
        if checked.task.solution_is_truth and read_truth(checked.task.name, truth.solution).claim != truth.claim:
            yield f"the truth {content} is another when it is read from its solution {truth.solution!r}"
    for broken in ({}, {"think": "yes"}, {"unknown": 1}):
        try:
            checked.task.read_truth(broken)
        except UserError:
            continue
        yield f"the truth {broken} is read without an error"


def _parsed(checked: _Checked) -> Iterator[str]:
    for content, truth in checked.truths():
        response = gold_answer(truth)
        answers = [checked.task.parse(response, truth.extent, truth.think, *truth.form) for _ in range(2)]
        if answers[0] != answers[1]:
            yield f"{response!r} is read in two ways"
        if not answers[0].is_as_asked or not answers[0].has_format:
            yield f"the gold answer {response!r} of {content} is {answers[0].outcome.value}: {answers[0].reason}"
        elif not checked.task.says(answers[0], truth):
            yield f"the gold answer {response!r} does not say the truth {content} once it is read"


def _paid(checked: _Checked) -> Iterator[str]:
    for content, truth in checked.truths():
        gold = checked.score(checked.sample(gold_answer(truth), content))["score"]
        if checked.highest is not None and gold < checked.highest - _ROUNDING:
            yield f"the gold answer of {content} earns {gold:g} of {checked.highest:g}"
        for response in ("", "<answer></answer>"):
            empty = checked.score(checked.sample(response, content))["score"]
            if empty > _ROUNDING or empty >= gold:
                yield f"the empty answer {response!r} to {content} earns {empty:g}, the gold answer {gold:g}"


def _total(checked: _Checked) -> Iterator[str]:
    contents = list(checked.contents())[:8]
    for response in _ANY_TEXT:
        for content in contents:
            numbers = checked.score(checked.sample(response, content))
            bad = {name: value for name, value in numbers.items() if not math.isfinite(value)}
            if bad or (checked.highest is not None and numbers["score"] > checked.highest + _ROUNDING):
                yield f"{response[:60]!r} to {content} earns {bad or numbers['score']}"


def _measured(checked: _Checked) -> Iterator[str]:
    quick, (main, called) = metrics_of(checked.task).quick, next(iter(checked.task.quick.items()))
    samples = [("", checked.sample(gold_answer(truth), content)) for content, truth in checked.truths()]
    figures = quick(samples)
    if abs(figures.get(main, math.nan) - 100) > 1e-6 or main not in figures:
        yield f"{called} ({main}) of the gold answers is {figures.get(main)}, not 100"
    empty = quick([("", checked.sample("", sample.ground_truth)) for _, sample in samples])  # type: ignore[arg-type]
    if empty.get(main, 0.0) >= figures.get(main, 0.0):
        yield f"{called} ({main}) of empty answers is {empty.get(main)}"


def _marked(checked: _Checked) -> Iterator[str]:
    questions = checked.questions()
    for place, (content, truth) in enumerate(checked.truths()):
        if not all(mark.lies_within(truth.extent) for mark in truth.marks()):
            yield f"the truth {content} has a mark outside the picture, which ends at {truth.extent}"
        question = questions[place]
        for policy in (checked.played.honest, *checked.played.cheats):
            response = policy.respond(question, Random(f"answer {checked.seed} {place}"))
            answer = checked.task.parse(response, truth.extent, truth.think, *truth.form)
            if not all(mark.lies_within(truth.extent) for mark in checked.task.marks(answer)):
                yield f"{response[:80]!r} has a mark outside the picture, which ends at {truth.extent}"


def _sorted_out(checked: _Checked) -> Iterator[str]:
    known = set(checked.played.strata)
    for question in checked.questions():
        kinds, content = checked.played.strata_of(question), question.ground_truth
        if not kinds <= known or checked.played.strata[0] not in kinds:
            yield f"the question {content} is of the kinds {sorted(kinds)}; known are {sorted(known)}"


_CLAUSES: Mapping[str, Callable[[_Checked], Iterator[str]]] = {
    "it says what it is": _described,
    "truths are read, from a mapping, its JSON and their solution": _read,
    "a gold answer is read as the truth that it says": _parsed,
    "the gold answer earns all, the empty one nothing": _paid,
    "any text gives finite numbers within the range": _total,
    "the gold answers measure 100, empty ones less": _measured,
    "marks lie in the picture": _marked,
    "every question is of a known kind": _sorted_out,
}
