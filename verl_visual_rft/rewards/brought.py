# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rewards and components that tasks bring: under one name, every task's own scorer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.packages import OUR_PACKAGE
from verl_visual_rft.tasks.registry import load_part, task_package, usable_tasks


class Brought:
    """What scores each task under a name, as the methods of one object: see `reward.make_reward`.

    Attributes:
        summary: What it is, in a line.
        range: By task, where its scorer says.
        weights: By task, where its scorer says.
        guarded: Tasks whose scorer may hang, raise or return anything.

    Raises:
        UserError: No task has such a scorer, or none takes an option.
    """

    def __init__(self, name: str, **options: Any) -> None:
        self.range: dict[str, tuple[float, float]] = {}
        self.weights: dict[str, Mapping[str, float]] = {}
        self.guarded: set[str] = set()
        paths = scorer_paths(name)
        makers = {task: _loaded(path) for task, path in paths.items()}
        wanted = {
            task: {key: options[key] for key in options if key in _options(make)} for task, make in makers.items()
        }
        for key in options:
            if not any(key in taken for taken in wanted.values()):
                raise UserError(f"{name!r} takes no option {key!r}")
        summaries = {}
        for task, make in makers.items():
            scorer = make(**wanted[task])
            setattr(self, task, scorer.__call__)
            summaries[(inspect.getdoc(type(scorer)) or "").split("\n", 1)[0]] = task
            if hasattr(scorer, "range"):
                self.range[task] = scorer.range
            if hasattr(scorer, "weights"):
                self.weights[task] = scorer.weights
            if task_package(task) != OUR_PACKAGE or not getattr(scorer, "trusted", True):
                self.guarded.add(task)
        if len(summaries) == 1:
            self.summary = next(iter(summaries))
        else:
            self.summary = " ".join(f"{task.capitalize()}: {line}" for line, task in summaries.items())


class PaperReward(Brought):
    """The paper's formulas, with the cases that it leaves open defined."""

    def __init__(self) -> None:
        super().__init__("paper")
        self.summary = _summary(PaperReward)


class ReferenceReward(Brought):
    """The published code, bug for bug; for comparison only, it is easily gamed."""

    def __init__(self, symbolic_check: bool = True) -> None:
        super().__init__("reference", symbolic_check=symbolic_check)
        self.summary = _summary(ReferenceReward)


class RobustReward(Brought):
    """Bounded components that pay for what a user gets, and only for that: our reward for real use."""

    def __init__(self) -> None:
        super().__init__("robust")
        self.summary = _summary(RobustReward)


class Robust1Reward(Brought):
    """The first version of `robust`; its confidence term teaches nothing where one object is asked for."""

    def __init__(self) -> None:
        super().__init__("robust-1")
        self.summary = _summary(Robust1Reward)


def scorer_paths(name: str) -> dict[str, str]:
    """Return where the scorers are that tasks bring under a name of a reward or component, by task."""
    paths = {task: {**loaded.components, **loaded.rewards}.get(name) for task, loaded in usable_tasks().items()}
    return {task: path for task, path in paths.items() if path}


def brought_components() -> set[str]:
    """Return the names of all components that tasks bring."""
    return {name for task in usable_tasks().values() for name in task.components}


def brought_rewards() -> set[str]:
    """Return the names of all rewards that tasks bring."""
    return {name for task in usable_tasks().values() for name in task.rewards}


def _summary(reward: type) -> str:
    return (inspect.getdoc(reward) or "").split("\n", 1)[0]


def _loaded(path: str) -> Callable[..., Any]:
    """Return the class of a scorer; where it cannot be loaded, one that says so when it is asked to score."""
    try:
        loaded: Callable[..., Any] = load_part(path)
    except UserError as error:
        return partial(_Unusable, error)
    return loaded


class _Unusable:
    trusted = False

    def __init__(self, error: UserError) -> None:
        self._error = error

    def __call__(self, response: str) -> float:
        raise self._error


def _options(make: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(make).parameters
