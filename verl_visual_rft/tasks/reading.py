# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Reading the ``ground_truth`` of a row: what every task's truth is made of, and errors that say how it should look.

A ground truth is a mapping, its JSON text, or a published solution string ``<answer>...</answer>``. Whatever else it
is, is an error: a row whose truth cannot be read must stop the work and not teach a reward of 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeGuard

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.boxes import Box
from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import parse_json
from verl_visual_rft.tasks.registry import load_task
from verl_visual_rft.tasks.task import Truth

#: What the upper end of coordinates may be: squares and products of such numbers are neither 0 nor infinite.
LEAST_EXTENT, MOST_EXTENT = 1e-6, 1e9


def read_truth(task: str, ground_truth: str | Mapping[str, Any]) -> Truth:
    """Return the typed truth of a row.

    Args:
        task: Name of a task, the row's ``ability``.
        ground_truth: A mapping, the same as JSON, or a published solution string. What keys it has is the task's to
            say: ``visual-rft task list``. Boxes are on the 0-1000 grid, or up to ``"extent": [x, y]`` for models that
            answer in other coordinates. ``"think": false`` says that the prompt asks for the answer alone.

    Raises:
        UserError: Unknown task, or the truth is none of these.

    Example:
        >>> read_truth("detection", '{"boxes": [[1, 2, 3, 4]]}').boxes
        ((1.0, 2.0, 3.0, 4.0),)
    """
    if isinstance(ground_truth, str):
        return _read_text(task, ground_truth)
    return _read_mapping(task, ground_truth)


@lru_cache(maxsize=4096)  # every rollout of a group asks for the same one
def _read_text(task: str, text: str) -> Truth:
    asked = load_task(task)
    if "<answer>" in text:
        truth: Truth = asked.read_solution(text)
        return truth
    try:
        content = parse_json(text)
    except UserError as error:
        raise unreadable(text, str(error), asked.truth_form) from error
    return _read_mapping(task, content)


def _read_mapping(task: str, content: object) -> Truth:
    asked = load_task(task)
    if not isinstance(content, Mapping):
        raise unreadable(content, "is not a mapping", asked.truth_form)
    truth: Truth = asked.read_truth(content)
    return truth


def read_box(box: object, extent: tuple[float, float], form: str) -> Box:
    """Return a box ``(x1, y1, x2, y2)`` with an area in a space of that extent.

    Raises:
        UserError: It is none; ``form`` says how the truth should look.
    """
    if isinstance(box, Sequence) and len(box) == 4 and all(type(value) in (int, float) for value in box):
        x1, y1, x2, y2 = box
        if 0 <= x1 < x2 <= extent[0] and 0 <= y1 < y2 <= extent[1]:
            return (float(x1), float(y1), float(x2), float(y2))
    limits = f"0 <= x1 < x2 <= {extent[0]:g} and 0 <= y1 < y2 <= {extent[1]:g}"
    raise UserError(f"ground truth box {box!r} is not valid; {form} with {limits}")


def read_list(content: Mapping[str, Any], key: str, form: str) -> Sequence[Any]:
    """Return the list that a truth has under a key.

    Raises:
        UserError: There is none; ``form`` says how the truth should look.
    """
    listed = content.get(key)
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise unreadable(content, f"has no list under the key {key!r}", form)
    return listed


def read_extent(content: Mapping[str, Any], form: str) -> tuple[float, float]:
    """Return the upper ends of the answer's coordinates that a truth states; the 0-1000 grid if it does not.

    Raises:
        UserError: They are not two numbers of a size whose squares can be reckoned with.
    """
    extent = content.get("extent", EXTENT)
    if (
        isinstance(extent, Sequence)
        and len(extent) == 2
        and all(type(value) in (int, float) and LEAST_EXTENT <= value <= MOST_EXTENT for value in extent)
    ):
        return (float(extent[0]), float(extent[1]))
    limits = f"from {LEAST_EXTENT:g} to {MOST_EXTENT:g}"
    raise unreadable(content, f"has an 'extent' that is not two positive numbers {limits}", form)


def read_think(content: Mapping[str, Any], form: str) -> bool:
    """Return whether the prompt asks for thinking, as a truth states it; yes if it does not.

    Raises:
        UserError: It is neither true nor false.
    """
    think = content.get("think", True)
    if not isinstance(think, bool):
        raise unreadable(content, "has a 'think' that is neither true nor false", form)
    return think


def is_name(value: object) -> TypeGuard[str]:
    """Whether it is a text that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def unreadable(ground_truth: object, fault: str, form: str) -> UserError:
    """Return the error of a truth that cannot be read.

    Args:
        ground_truth: As it was given.
        fault: What is wrong with it, "is not a mapping".
        form: How it should look, `Task.truth_form`.
    """
    return UserError(f"ground truth {str(ground_truth)[:200]!r} {fault}; {form}")


def plain(value: float) -> str:
    """Return a number as people write it: without ".0".

    Example:
        >>> plain(3.0), plain(0.25)
        ('3', '0.25')
    """
    return str(int(value)) if value == int(value) else repr(value)
