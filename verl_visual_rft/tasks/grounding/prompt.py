# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The prompt of grounding, word for word where the published code prints it, and answers in its form."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.prompts import tagged

_QUESTION = "Output the bounding box in the image corresponding to the instruction: {instruction}"

# "grouding" and the closing parenthesis without an opening one are the published prompt's.
_THINKING = (
    " Output the thinking process in <think> </think> and your grouding box. "
    'Following "<think> thinking process </think>\n<answer>(x1,y1),(x2,y2)</answer>)" format.'
)

_DIRECT = ' Output your grouding box. Following "<answer>(x1,y1),(x2,y2)</answer>)" format.'

_STUB = "I look for what the instruction means in the image: {instruction}"


def grounding_prompt(instruction: str, think: bool = True) -> str:
    """Return the user text of a reasoning grounding question: where is what the instruction means.

    With ``think`` it is the prompt of the published training script (``grpo_lisa.py``).

    Example:
        >>> grounding_prompt("the rider", think=False)[:77]
        'Output the bounding box in the image corresponding to the instruction: the ri'
    """
    return _QUESTION.format(instruction=instruction) + (_THINKING if think else _DIRECT)


def grounding_answer(box: Sequence[int], thinking: str | None = None) -> str:
    """Write one box in the form that `grounding_prompt` asks for.

    Example:
        >>> grounding_answer((1, 2, 3, 4))
        '<answer>(1,2),(3,4)</answer>'
    """
    x1, y1, x2, y2 = box
    return tagged(f"({x1},{y1}),({x2},{y2})", thinking)


def grounding_stub(instruction: str) -> str:
    """Return a short, true thinking process of a grounding target.

    Example:
        >>> grounding_stub("the rider")
        'I look for what the instruction means in the image: the rider'
    """
    return _STUB.format(instruction=instruction)
