# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The contract of a task: all that one must say of it, so that nothing else need ask for it by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

from verl_visual_rft.answers import EXTENT, Answer
from verl_visual_rft.tasks.marks import Mark


class Truth:
    """What an answer is held against, in the coordinates of the answer: the base of every task's own type.

    Attributes:
        extent: Upper ends of the answer's coordinates, ``(x, y)``.
        think: Whether the prompt asks for a thinking process before the answer.
    """

    extent: tuple[float, float] = EXTENT
    think: bool = True

    @property
    def solution(self) -> str:
        """The answer that says exactly this, in answer tags, as its prompt asks for it: the gold answer."""
        raise NotImplementedError

    def marks(self) -> tuple[Mark, ...]:
        """Return what can be drawn of it, in the coordinates of the answer."""
        return ()


TruthT = TypeVar("TruthT", bound=Truth)
AnswerT = TypeVar("AnswerT", bound=Answer)


class Task(Generic[TruthT, AnswerT]):
    """One thing that a model can be asked about a picture. A subclass is declared as an entry point, see `registry`.

    What is heavy (metrics) or seldom needed (policies of the audit) is named by a dotted path, "module:object", and
    loaded when it is used.

    Attributes:
        name: The row's ``ability``.
        summary: What is asked, in a line.
        truth_form: How a ground truth looks, for errors: 'give {"label": "name"}'.
        coordinates: Whether its answers lie in the picture, so that truths have an extent that must be the model's.
        rewards: Named reward -> class of what scores this task under its name: called with any of the fields of
            `Sample` as arguments, it returns a number or a mapping with the total under "score". It may have
            attributes ``range``, ``weights``, ``iou_threshold`` and ``trusted``, see `rewards.reward.make_reward`.
        components: The same for what rewards are composed of.
        audit: An `audit.AuditedTask`: honest policies, cheats, questions of every kind.
        metrics: A `evaluation.task_metrics.TaskMetrics`: what answers are measured by.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    truth_form: ClassVar[str]
    coordinates: ClassVar[bool] = False
    rewards: ClassVar[Mapping[str, str]] = {}
    components: ClassVar[Mapping[str, str]] = {}
    audit: ClassVar[str]
    metrics: ClassVar[str]

    def read_truth(self, content: Mapping[str, Any]) -> TruthT:
        """Return the typed truth of a row.

        Raises:
            UserError: It cannot be read; see `reading.unreadable`.
        """
        raise NotImplementedError

    def read_solution(self, text: str) -> TruthT:
        """Return the truth that a published solution string, an answer in tags, stands for.

        Raises:
            UserError: It cannot be read.
        """
        raise NotImplementedError

    def parse(self, response: str, extent: tuple[float, float], think: bool) -> AnswerT:
        """Read a response, any text; nothing is raised for it.

        Args:
            response: The model's whole response.
            extent: Upper ends of the answer's coordinates, ``(x, y)``.
            think: Whether the prompt asks for thinking before the answer.
        """
        raise NotImplementedError

    def says(self, answer: AnswerT, truth: TruthT) -> bool:
        """Whether an answer says the truth, no more and no less, and in the form that the prompt asks for."""
        raise NotImplementedError

    def counts(self, answer: AnswerT, truth: TruthT) -> dict[str, float]:
        """Return what is counted beside every reward."""
        return {}
