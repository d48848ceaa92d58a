# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tasks by name: ours, and those that installed packages declare as entry points."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from verl_visual_rft.errors import UserError, guess
from verl_visual_rft.packages import declared, loading, sole_claim, unusable

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from verl_visual_rft.tasks.task import Task

#: Entry-point group in which a package names its tasks: ``name = "module:class"``.
GROUP = "verl_visual_rft.tasks"

# Also declared in pyproject.toml; kept here so that a checkout on the path works without being installed.
_OURS = {
    "detection": "verl_visual_rft.tasks.detection.task:Detection",
    "classification": "verl_visual_rft.tasks.classification.task:Classification",
    "grounding": "verl_visual_rft.tasks.grounding.task:Grounding",
    "counting": "verl_visual_rft.tasks.counting.task:Counting",
    "pointing": "verl_visual_rft.tasks.pointing.task:Pointing",
    "labelled_detection": "verl_visual_rft.tasks.labelled_detection.task:LabelledDetection",
}


def task_names() -> tuple[str, ...]:
    """Return the names of all tasks: ours in their order, then those of installed packages, sorted."""
    return (*_OURS, *sorted(_discover().keys() - _OURS.keys()))


def usable_tasks() -> dict[str, Task[Any, Any]]:
    """Return all tasks that load, by name; why others do not says `load_task`, and ``visual-rft doctor`` of all."""
    without = unusable_tasks()
    return {name: load_task(name) for name in task_names() if name not in without}


def unusable_tasks() -> dict[str, str]:
    """Try every task; return why the unusable ones are."""
    return unusable(task_names(), load_task)


def main_metrics() -> dict[str, str]:
    """Return the main metrics on validation of all tasks: name -> what people call it."""
    return dict(next(iter(task.quick.items())) for task in usable_tasks().values())


def task_package(name: str) -> str:
    """Return the package that declares a task.

    Raises:
        UserError: The name is unknown, or several packages claim it.
    """
    return _claim(name)[0]


def task_packages(name: str) -> list[str]:
    """Return the packages that declare a task: one, or those that claim the same name; none of an unknown name."""
    return [package for package, _ in _discover().get(name, ())]


@cache
def load_task(name: str) -> Task[Any, Any]:
    """Load a task, once in a process.

    Raises:
        UserError: The name is unknown, two packages claim it, or what it names cannot be loaded or is no task.
    """
    from verl_visual_rft.tasks.task import Task

    package, entry_point = _claim(name)
    origin = f"task {name!r} ({entry_point.value} of package {package})"
    with loading(origin):
        loaded = entry_point.load()()
    if not isinstance(loaded, Task):
        raise UserError(f"{origin} is no task: it is no subclass of verl_visual_rft.tasks.Task")
    if getattr(loaded, "name", None) != name:
        raise UserError(f"{origin} calls itself {getattr(loaded, 'name', None)!r}; give it one name")
    return loaded


def load_part(path: str) -> Any:
    """Load what a task names by its dotted path, "module:object".

    Raises:
        UserError: It cannot be loaded.
    """
    module, _, name = path.partition(":")
    with loading(f"{path}, which a task names,"):
        return getattr(import_module(module), name)


def _claim(name: str) -> tuple[str, EntryPoint]:
    known = _discover()
    if name not in known:
        raise UserError(
            f"unknown task {name!r}{guess(name, known)}: use one of {', '.join(task_names())}, or install the package "
            "that has it"
        )
    return sole_claim("task", name, known[name])


@cache
def _discover() -> dict[str, list[tuple[str, EntryPoint]]]:
    return declared(GROUP, _OURS)
