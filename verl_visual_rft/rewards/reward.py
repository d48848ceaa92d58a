# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a reward is once it is loaded: for each task a function of the arguments that it asks for."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from numbers import Real
from typing import Any

from verl_visual_rft.errors import RewardError, UserError
from verl_visual_rft.tasks import Sample, task_names
from verl_visual_rft.tasks.matching import Matching

#: Is told the name of a part of a reward and what it matched.
PartReport = Callable[[str, Matching], None]
#: Scores one sample: the total under "score" and every component under its name.
Scorer = Callable[[Sample, PartReport | None], dict[str, float]]


@dataclass(frozen=True)
class Reward:
    """A loaded reward.

    Attributes:
        name: By which it was asked for.
        summary: What it is, in a line.
        guarded: Tasks on which it may raise, hang or return anything: it is run where it can be given up.
        scorers: For each task that it can score, the function that does.
        ranges: Smallest and largest total of a task, where the reward declares it.
        weights: For each task the weights of the components whose sum is the total, where the reward declares them.
        documents: For each task the docstring that explains the score.
        thresholds: Smallest IoU of a hit, by the part of the reward that matches with it.
        follows_tau: Whether it asks for `Sample.tau`, so that a curriculum changes it.
        form_only: Whether it looks at how a response is written alone, not at what it answers.
    """

    name: str
    summary: str
    guarded: frozenset[str]
    scorers: Mapping[str, Scorer]
    ranges: Mapping[str, tuple[float, float]]
    weights: Mapping[str, Mapping[str, float]]
    documents: Mapping[str, str]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    follows_tau: bool = False
    form_only: bool = False

    @property
    def trusted(self) -> bool:
        """Whether it always returns finite numbers, and soon, whatever the task."""
        return not self.guarded

    def __call__(self, sample: Sample, report: PartReport | None = None) -> dict[str, float]:
        """Score one sample.

        Args:
            sample: A parsed response and its truth.
            report: Is told what each part of the reward matched, by its name.

        Raises:
            UserError: The reward does not know the task.
            RewardError: A reward of another package raised, or returned something else than finite numbers.
        """
        return self.require(sample.task)(sample, report)

    def require(self, task: str) -> Scorer:
        """Return what scores a task.

        Raises:
            UserError: The reward does not know the task.
        """
        if task not in self.scorers:
            raise UserError(
                f"reward {self.name!r} cannot score {task}, only {', '.join(self.scorers)}; add a part that says "
                f"whether an answer to {task} is right: `visual-rft reward list --components`"
            )
        return self.scorers[task]

    def weights_of(self, task: str) -> Mapping[str, float]:
        """Return the weights of the components of a task's total.

        Raises:
            UserError: The reward does not declare any for the task.
        """
        if task not in self.weights:
            raise UserError(
                f"reward {self.name!r} does not say which components a total for {task} sums with which weights; "
                "compose one ('iou=1,format=0.5'), or declare `weights`: docs/rewards.md"
            )
        return self.weights[task]


def make_reward(name: str, loaded: Any, origin: str, trusted: bool) -> Reward:
    """Turn a function, or an object with a method for each task, into a `Reward`.

    Args:
        name: By which it is asked for.
        loaded: A function scores every task. An object scores the tasks that it has methods for, by their names:
            ``detection``, ``classification``, ``grounding``, ... Either takes any of the fields of `Sample` as
            arguments and returns a number, or a mapping of numbers with the total under "score". An attribute
            ``range``, a pair or a pair for each task, says between what bounds totals lie. An attribute ``weights``,
            ``{task: {component: weight}}``, says that the total is the weighted sum of those components. An attribute
            ``iou_threshold``, a number in (0, 1], is the IoU from which a box is a hit. An attribute ``guarded`` names
            tasks on which a trusted reward is not trusted all the same.
        origin: Where it comes from, for errors.
        trusted: Whether its results are taken as they are.

    Raises:
        UserError: It is neither, or asks for an argument that there is none of.
    """
    tasks = task_names()
    functions = {task: getattr(loaded, task) for task in tasks if callable(getattr(loaded, task, None))}
    if not functions and callable(loaded):
        functions = dict.fromkeys(tasks, loaded)
    if not functions:
        raise UserError(
            f"{origin} is no reward: it is neither a function nor has it a method "
            f"{', '.join(tasks[:-1])} or {tasks[-1]}"
        )
    guarded = frozenset(getattr(loaded, "guarded", ()) if trusted else functions)
    return Reward(
        name=name,
        summary=getattr(loaded, "summary", "") or _first_line(loaded if inspect.isroutine(loaded) else type(loaded)),
        guarded=guarded,
        scorers={task: _scorer(function, name, origin, task not in guarded) for task, function in functions.items()},
        ranges=_ranges(getattr(loaded, "range", None), functions, origin),
        weights=getattr(loaded, "weights", {}),
        documents={task: _document(function) for task, function in functions.items()},
        thresholds=_thresholds(getattr(loaded, "iou_threshold", None), name),
        form_only=getattr(loaded, "form_only", False) is True,
        follows_tau=any("tau" in _wanted_fields(function, origin) for function in functions.values()),
    )


def _scorer(function: Callable[..., Any], name: str, origin: str, trusted: bool) -> Scorer:
    fields = _wanted_fields(function, origin)

    def unguarded(sample: Sample, report: PartReport | None) -> dict[str, float]:
        if report is not None:
            sample = Sample(*sample[:-1], partial(report, name))
        result = function(**{field: getattr(sample, field) for field in fields})
        return result if isinstance(result, dict) else {"score": result}

    def guarded(sample: Sample, report: PartReport | None) -> dict[str, float]:
        if report is not None:
            sample = Sample(*sample[:-1], partial(report, name))
        # A plug-in may raise anything: SystemExit would end a training as if it were done.
        try:
            result = function(**{field: getattr(sample, field) for field in fields})
        except BaseException as error:
            raise RewardError(
                f"{origin} raised {type(error).__name__} on a {sample.task} response: {_shown(error, str)}"
            ) from error
        try:
            return _checked(result)
        except BaseException as error:
            raise RewardError(
                f"{origin} returned {_shown(result, repr)} for a {sample.task} response: {_shown(error, str)}"
            ) from error

    return unguarded if trusted else guarded


def _shown(value: object, show: Callable[[object], str]) -> str:
    """Return the first characters of what a plug-in's object says of itself, if it says anything."""
    try:
        return show(value)[:200]
    except BaseException as error:
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


def _wanted_fields(function: Callable[..., Any], origin: str) -> tuple[str, ...]:
    """Return the fields of `Sample` that a function names as parameters."""
    wanted = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.name in Sample._fields and parameter.kind is not parameter.POSITIONAL_ONLY:
            wanted.append(parameter.name)
        elif parameter.default is parameter.empty:
            raise UserError(
                f"{origin} asks for an argument {parameter.name!r} that there is none of; "
                f"it may ask for {', '.join(Sample._fields)}"
            )
    return tuple(wanted)


def _checked(result: Any) -> dict[str, float]:
    """Return a result as finite floats by name.

    Raises:
        TypeError: It is neither a number nor a mapping of numbers with a "score".
        ValueError: A number is not finite.
    """
    if not isinstance(result, Mapping):
        result = {"score": result}
    if "score" not in result:
        raise TypeError('it has no "score"')
    for name, value in result.items():
        if not isinstance(name, str) or not isinstance(value, Real):
            raise TypeError(f"{name!r} is not a number")
        if not math.isfinite(value):
            raise ValueError(f"{name!r} is not finite")
    return {name: float(value) for name, value in result.items()}


def _ranges(
    declared: Any, functions: Mapping[str, Callable[..., Any]], origin: str
) -> Mapping[str, tuple[float, float]]:
    if declared is None:
        return {}
    by_task = declared if isinstance(declared, Mapping) else dict.fromkeys(functions, declared)
    try:
        return {task: (float(by_task[task][0]), float(by_task[task][1])) for task in functions if task in by_task}
    except (TypeError, ValueError, IndexError) as error:
        raise UserError(
            f"{origin} has a range {declared!r} that is no pair of numbers, nor one for each task"
        ) from error


def _thresholds(declared: Any, name: str) -> Mapping[str, float]:
    """Return the threshold that an object declares; an attribute of that name that is no IoU is something else."""
    is_iou = isinstance(declared, int | float) and not isinstance(declared, bool) and 0 < declared <= 1
    return {name: float(declared)} if is_iou else {}


def _document(function: Callable[..., Any]) -> str:
    """Return what a function says of itself; of a method that says nothing, what its class says."""
    said = inspect.getdoc(function)
    if said in (None, inspect.getdoc(type.__call__)):  # the second: `__call__` of a class inherits Python's own words
        owner = getattr(function, "__self__", None)
        said = None if owner is None else inspect.getdoc(type(owner))
    return said or ""


def _first_line(documented: object) -> str:
    return (inspect.getdoc(documented) or "").split("\n", 1)[0]
