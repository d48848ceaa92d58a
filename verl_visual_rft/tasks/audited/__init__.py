# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a task brings to the audit: an honest policy, cheats, kinds of questions, and questions made up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from verl_visual_rft.tasks.audited.policy import Policy
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.registry import load_part
from verl_visual_rft.tasks.task import Task

__all__ = ["ALL", "SKILLS", "AuditedTask", "Mixture", "Policy", "Question", "audited"]

#: How well an honest policy sees: as a model before its training, in the middle of it, and after it.
SKILLS = ("weak", "moderate", "strong")

#: The kind that every question is of.
ALL = "all"


class Mixture(Protocol):
    """Questions of several kinds.

    Attributes:
        shares: Of all questions by kind; they sum to 1.
        cells: What a table says of it, by `AuditedTask.mixture_columns`.
    """

    @property
    def shares(self) -> Mapping[str, float]:
        """By kind."""

    @property
    def cells(self) -> tuple[str, ...]:
        """By column."""


@dataclass(frozen=True)
class AuditedTask:
    """What the audit of a task plays with.

    Attributes:
        honest: Answers as well as its question's skill allows; moderate where the question does not say.
        cheats: Constant, degenerate and dishonest policies.
        unasked: Further cheats where the prompt asks for the answer alone: see `policy.unasked_reasoning`.
        strata: Kinds of questions in the order of the tables, `ALL` first.
        strata_of: The kinds that a question is of, `ALL` among them.
        make_truth: Makes up a ground truth.
        mixtures: Mixtures of the kinds for which a table says who is ahead; may be none.
        mixture_columns: What tells them apart.
    """

    honest: Policy
    cheats: tuple[Policy, ...]
    unasked: tuple[Policy, ...]
    strata: tuple[str, ...]
    strata_of: Callable[[Question], frozenset[str]]
    make_truth: Callable[[Random], Mapping[str, Any]]
    mixtures: tuple[Mixture, ...] = ()
    mixture_columns: tuple[str, ...] = ()


def audited(task: Task[Any, Any]) -> AuditedTask:
    """Load what a task brings to the audit.

    Raises:
        UserError: It cannot be loaded.
    """
    loaded: AuditedTask = load_part(task.audit)
    return loaded
