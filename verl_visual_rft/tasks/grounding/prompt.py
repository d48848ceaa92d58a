# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The prompts of grounding, for one box word for word as the published code prints it, and answers in their form."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.prompts import NO_OBJECTS, form_request, tagged
from verl_visual_rft.tasks.reading import plain

_QUESTION = "Output the bounding box in the image corresponding to the instruction: {instruction}"

# "grouding" and the closing parenthesis without an opening one are the published prompt's.
_THINKING = (
    " Output the thinking process in <think> </think> and your grouding box. "
    'Following "<think> thinking process </think>\n<answer>(x1,y1),(x2,y2)</answer>)" format.'
)

_DIRECT = ' Output your grouding box. Following "<answer>(x1,y1),(x2,y2)</answer>)" format.'

_ANY_QUESTION = (
    "Output the bounding box ({coordinates}, integer) of everything in the image that the instruction means: "
    "{instruction}\nIf the instruction means nothing in the image, return 'No Objects'.\n"
)

_ANY_FORM = "(x1,y1),(x2,y2); (x1,y1),(x2,y2); ..."

_STUB = "I look for what the instruction means in the image: {instruction}"


def grounding_prompt(instruction: str, think: bool = True) -> str:
    """Return the user text of a reasoning grounding question: where is the one thing that the instruction means.

    With ``think`` it is the prompt of the published training script (``grpo_lisa.py``).

    Example:
        >>> grounding_prompt("the rider", think=False)[:77]
        'Output the bounding box in the image corresponding to the instruction: the ri'
    """
    return _QUESTION.format(instruction=instruction) + (_THINKING if think else _DIRECT)


def any_number_prompt(instruction: str, think: bool = True, pixels: bool = False) -> str:
    """Return the user text of a grounding question that may mean nothing, or several objects.

    With ``pixels`` it asks for pixels, for models that do not answer on the 0-1000 grid.

    Example:
        >>> any_number_prompt("the riders").splitlines()[1]
        "If the instruction means nothing in the image, return 'No Objects'."
    """
    coordinates = "in pixels" if pixels else "between 0 and 1000"
    return _ANY_QUESTION.format(instruction=instruction, coordinates=coordinates) + form_request(_ANY_FORM, think)


def grounding_answer(boxes: Sequence[Sequence[int]], thinking: str | None = None) -> str:
    """Write boxes in the form that the prompts ask for; none as "No Objects".

    Example:
        >>> grounding_answer([(1, 2, 3, 4)])
        '<answer>(1,2),(3,4)</answer>'
    """
    return tagged(written(boxes), thinking)


def written(boxes: Sequence[Sequence[float]]) -> str:
    """Write boxes as they stand between answer tags.

    Example:
        >>> written([(1, 2, 3, 4), (5, 6, 7, 8.5)])
        '(1,2),(3,4); (5,6),(7,8.5)'
    """
    numbers = (map(plain, box) for box in boxes)
    return "; ".join(f"({x1},{y1}),({x2},{y2})" for x1, y1, x2, y2 in numbers) or NO_OBJECTS


def grounding_stub(instruction: str) -> str:
    """Return a short, true thinking process of a grounding target.

    Example:
        >>> grounding_stub("the rider")
        'I look for what the instruction means in the image: the rider'
    """
    return _STUB.format(instruction=instruction)
