# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the prompts of all tasks have in common, and that of the existence stage."""

from __future__ import annotations

import re

#: veRL replaces these wherever they stand in a prompt, so no name, instruction or published prompt may hold one.
PLACEHOLDER = re.compile("<image>|<video>|<audio>")

NO_OBJECTS = "No Objects"

_EXISTENCE = (
    "Is there any object belonging to the category '{category}' in the image?\nAnswer with one word: 'Yes' or 'No'."
)


def existence_prompt(category: str) -> str:
    """Return the user text that asks whether a category is in the picture at all, before it is asked where.

    The paper's evaluation has such a stage, but its prompt was never published; this one is ours, in the words of the
    detection prompt.

    Example:
        >>> existence_prompt("cat").splitlines()[0]
        "Is there any object belonging to the category 'cat' in the image?"
    """
    return _EXISTENCE.format(category=category)


def form_request(form: str, think: bool, space: str = " ") -> str:
    """Return what a prompt says of the form of its answer, word for word as the published prompts do.

    Args:
        form: What stands between the answer tags.
        think: Whether to ask for a thinking process.
        space: Between the first two sentences. The published rows have none: parts were joined as they stand here.

    Example:
        >>> form_request("number", think=False).splitlines()[1]
        '<answer>number</answer>'
    """
    asked = "thinking process in <think> </think> and final answer" if think else "final answer"
    thinking = "<think> ... </think> " if think else ""
    return (
        f"Output the {asked} in <answer> </answer> tags.{space}The output answer format should be as follows:\n"
        f"{thinking}<answer>{form}</answer>\nPlease strictly follow the format."
    )


def with_thinking(answer: str, thinking: str) -> str:
    """Put a thinking process before an answer in answer tags.

    Example:
        >>> with_thinking("<answer>rose</answer>", "yellow")
        '<think>yellow</think> <answer>rose</answer>'
    """
    return f"<think>{thinking}</think> {answer}"


def tagged(answer: str, thinking: str | None = None) -> str:
    """Put an answer in answer tags, after a thinking process if there is one.

    Example:
        >>> tagged("rose")
        '<answer>rose</answer>'
    """
    in_tags = f"<answer>{answer}</answer>"
    return in_tags if thinking is None else with_thinking(in_tags, thinking)
