# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The contract of a task: all that one must say of it, so that nothing else need ask for it by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from verl_visual_rft.answers import EXTENT, Answer
from verl_visual_rft.errors import UserError
from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.findings import Finding
from verl_visual_rft.tasks.marks import Mark, describe
from verl_visual_rft.tasks.matching import Matching

if TYPE_CHECKING:
    from pathlib import Path

    from verl_visual_rft.coordinates import Placement
    from verl_visual_rft.tasks.question import Line, Question


class Truth(ABC):
    """What an answer is held against, in the coordinates of the answer: the base of every task's own type.

    Attributes:
        extent: Upper ends of the answer's coordinates, ``(x, y)``.
        think: Whether the prompt asks for a thinking process before the answer.
    """

    extent: tuple[float, float] = EXTENT
    think: bool = True

    @property
    @abstractmethod
    def solution(self) -> str:
        """The answer that says exactly this, in answer tags, as its prompt asks for it: the gold answer."""

    @property
    def form(self) -> tuple[Any, ...]:
        """What of its prompt beside ``extent`` and ``think`` says how an answer is read: more arguments of `parse`."""
        return ()

    @property
    def is_negative(self) -> bool:
        """Whether the right answer is that there is nothing."""
        return False

    @property
    def claim(self) -> Hashable:
        """What it says, equal for truths that say the same."""
        return self.solution

    @property
    def asks(self) -> str:
        """What it answers, where prompts word the same question differently; empty: what the prompt asks."""
        return ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names that it says or that a wrong answer to it could: of classes, of categories."""
        return ()

    def marks(self) -> tuple[Mark, ...]:
        """Return what can be drawn of it, in the coordinates of the answer."""
        return ()

    def in_words(self) -> str:
        """Return what it says, for people."""
        return describe(self.marks()) or NO_OBJECTS


TruthT = TypeVar("TruthT", bound=Truth)
AnswerT = TypeVar("AnswerT", bound=Answer)


class Task(ABC, Generic[TruthT, AnswerT]):
    """One thing that a model can be asked about a picture. A subclass is declared as an entry point, see `registry`.

    What is heavy (metrics) or seldom needed (policies of the audit) is named by a dotted path, "module:object", and
    loaded when it is used.

    Attributes:
        name: The row's ``ability``.
        summary: What is asked, in a line.
        truth_form: How a ground truth looks, for errors: 'give {"label": "name"}'.
        json_keys: Keys of a line of JSON about it, beside ``image`` and ``task``.
        json_optional: Keys that such a line may leave out.
        json_synonyms: Other names of these keys -> their names.
        json_example: Such a line without ``image`` and ``task``, for people.
        prompt_version: Written into every manifest; to be raised whenever its prompt changes by as much as a space.
        coordinates: Whether its answers lie in the picture, so that truths have an extent that must be the model's.
        most_marks: Marks that `parse` reads of one answer, so that a row whose truth has more cannot be answered; None:
            any number.
        asks_confidence: Whether an answer says how sure it is of each of its marks.
        may_be_nothing: Whether "No Objects" can be right.
        asks_by_name: Whether rows ask for a category or class, of which there are many rows, not for an instruction of
            their own.
        quick: Metrics on validation while a run trains, in percent, the main one first: name -> what people call it.
        accuracies: Components that say how right an answer is, for the curves of a run.
        solution_is_truth: Whether a truth can be read from its solution; not where that leaves out what answers are
            scored by, such as the size of a target.
        tells_answer: Whether a row's ``category`` is the answer, which nobody who asks knows.
        rewards: Named reward -> class of what scores this task under its name: called with any of the fields of
            `Sample` as arguments, it returns a number or a mapping with the total under "score". It may have
            attributes ``range``, ``weights``, ``iou_threshold`` and ``trusted``, see `rewards.reward.make_reward`.
        components: The same for what rewards are composed of.
        audit: An `audited.AuditedTask`: an honest policy, cheats, questions of every kind.
        metrics: A `metrics.TaskMetrics`: what answers are measured by.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    truth_form: ClassVar[str]
    json_keys: ClassVar[tuple[str, ...]] = ()
    json_optional: ClassVar[tuple[str, ...]] = ()
    json_synonyms: ClassVar[Mapping[str, str]] = {}
    json_example: ClassVar[str] = ""
    prompt_version: ClassVar[str] = "1"
    coordinates: ClassVar[bool] = False
    most_marks: ClassVar[int | None] = None
    asks_confidence: ClassVar[bool] = False
    may_be_nothing: ClassVar[bool] = False
    asks_by_name: ClassVar[bool] = True
    quick: ClassVar[Mapping[str, str]]
    accuracies: ClassVar[tuple[str, ...]] = ()
    solution_is_truth: ClassVar[bool] = True
    tells_answer: ClassVar[bool] = False
    rewards: ClassVar[Mapping[str, str]] = {}
    components: ClassVar[Mapping[str, str]] = {}
    audit: ClassVar[str]
    metrics: ClassVar[str]

    @abstractmethod
    def read_truth(self, content: Mapping[str, Any]) -> TruthT:
        """Return the typed truth of a row.

        Raises:
            UserError: It cannot be read; see `reading.unreadable`.
        """

    @abstractmethod
    def read_solution(self, text: str) -> TruthT:
        """Return the truth that a published solution string, an answer in tags, stands for.

        Raises:
            UserError: It cannot be read.
        """

    def read_line(self, line: Line) -> Question:
        """Return the question of a line of a JSON-lines file, which has the keys `json_keys`.

        Raises:
            UserError: A value is not what the key is for.
        """
        raise UserError(f"the task {self.name!r} cannot be read from JSON lines")

    def settle(self, questions: Sequence[Question], source: Path) -> list[Question]:
        """Complete questions by what all of them say together: ids of categories, a closed set.

        Args:
            questions: All of this task, of all files.
            source: The first of the files, for errors.

        Raises:
            UserError: Together they make no sense.
        """
        return list(questions)

    def manifest_keys(self, questions: Sequence[Question]) -> dict[str, Any]:
        """Return what a manifest says of the questions of a data set, those of this task."""
        return {}

    def companions(
        self, questions: Sequence[Question], val: Sequence[Question], kept: Mapping[str, Placement]
    ) -> dict[str, Any]:
        """Return the files that evaluation reads beside the parquet: name -> what becomes JSON.

        Args:
            questions: All of this task.
            val: Those of the validation split.
            kept: By the id of a picture of that split that was kept, where annotations lie in it.
        """
        return {}

    @abstractmethod
    def parse(self, response: str, extent: tuple[float, float], think: bool) -> AnswerT:
        """Read a response, any text; nothing is raised for it.

        A task whose truths have a `Truth.form` takes it as further arguments, which may be left out.

        Args:
            response: The model's whole response.
            extent: Upper ends of the answer's coordinates, ``(x, y)``.
            think: Whether the prompt asks for thinking before the answer.
        """

    @abstractmethod
    def says(self, answer: AnswerT, truth: TruthT) -> bool:
        """Whether an answer says the truth, no more and no less, and in the form that the prompt asks for."""

    def marks(self, answer: AnswerT) -> tuple[Mark, ...]:
        """Return what can be drawn of an answer, in its coordinates."""
        return ()

    def match(self, answer: AnswerT, truth: TruthT, threshold: float | None) -> Matching:
        """Match the marks of an answer with those of the truth, for a reward that does not say how it does.

        Args:
            answer: A parsed answer.
            truth: What is true.
            threshold: Smallest quality of a match; None: any overlap.
        """
        return Matching(threshold, (), truth.marks())

    @abstractmethod
    def find(self, answer: AnswerT, truth: TruthT) -> set[Finding]:
        """Return what is wrong with an answer that could be read; nothing if it is right."""

    def counts(self, answer: AnswerT, truth: TruthT) -> dict[str, float]:
        """Return what is counted beside every reward."""
        return {}
