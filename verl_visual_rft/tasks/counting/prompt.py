# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The prompt of counting, in the words of the detection prompt, and answers in its form."""

from __future__ import annotations

from verl_visual_rft.prompts import form_request, tagged

_QUESTION = (
    "Count all objects belonging to the category '{category}' in the image, and provide their number as an integer.\n"
    "If no object belonging to the category '{category}' in the image, return 0.\n"
)

_STUB = "I look for every {category} in the image and count {count}."


def counting_prompt(category: str, think: bool = True) -> str:
    """Return the user text of a counting question about one category.

    It has no coordinates, so it is the same for all model families.

    Example:
        >>> counting_prompt("cat").splitlines()[1]
        "If no object belonging to the category 'cat' in the image, return 0."
    """
    return _QUESTION.format(category=category) + form_request("number", think, space="")


def counting_answer(count: int, thinking: str | None = None) -> str:
    """Write a number in the form that `counting_prompt` asks for.

    Example:
        >>> counting_answer(3)
        '<answer>3</answer>'
    """
    return tagged(str(count), thinking)


def counting_stub(category: str, count: int) -> str:
    """Return a short, true thinking process of a counting target.

    Example:
        >>> counting_stub("cat", 2)
        'I look for every cat in the image and count 2.'
    """
    return _STUB.format(category=category, count=count)
