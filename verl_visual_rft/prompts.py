# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The prompt of each task, word for word where the paper or its data print it."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: veRL replaces these wherever they stand in a prompt, so no name, instruction or published prompt may hold one.
PLACEHOLDER = re.compile("<image>|<video>|<audio>")

#: Written into every manifest; raise it whenever a prompt changes by as much as a space.
PROMPT_VERSION = "1"

_DETECTION_QUESTION = (
    "Detect all objects belonging to the category '{category}' in the image, and provide the bounding boxes "
    "({coordinates}, integer) and confidence (between 0 and 1, with two decimal places).\n"
    "If no object belonging to the category '{category}' in the image, return 'No Objects'.\n"
)
# No space after "tags.": the published rows have none (parts were joined as they stand here).
_DETECTION_THINKING = (
    "Output the thinking process in <think> </think> and final answer in <answer> </answer> tags."
    "The output answer format should be as follows:\n"
    "<think> ... </think> <answer>[{{'Position': [x1, y1, x2, y2], 'Confidence': number}}, ...]</answer>\n"
    "Please strictly follow the format."
)
_DETECTION_DIRECT = (
    "Output the final answer in <answer> </answer> tags."
    "The output answer format should be as follows:\n"
    "<answer>[{{'Position': [x1, y1, x2, y2], 'Confidence': number}}, ...]</answer>\n"
    "Please strictly follow the format."
)

_CLASSIFICATION_QUESTION = "This is an image containing {container}. Please identify {asked} based on the image.\n"
_CLASSIFICATION_THINKING = (
    "Output the thinking process in <think> </think> and final answer in <answer> </answer> tags."
    "The output answer format should be as follows:\n"
    "<think> ... </think> <answer>species name</answer>\n"
    "Please strictly follow the format."
)
_CLASSIFICATION_DIRECT = (
    "Output the final answer in <answer> </answer> tags."
    "The output answer format should be as follows:\n"
    "<answer>species name</answer>\n"
    "Please strictly follow the format."
)

_GROUNDING_QUESTION = "Output the bounding box in the image corresponding to the instruction: {instruction}"
# "grouding" and the closing parenthesis without an opening one are the published prompt's.
_GROUNDING_THINKING = (
    " Output the thinking process in <think> </think> and your grouding box. "
    'Following "<think> thinking process </think>\n<answer>(x1,y1),(x2,y2)</answer>)" format.'
)
_GROUNDING_DIRECT = ' Output your grouding box. Following "<answer>(x1,y1),(x2,y2)</answer>)" format.'

_EXISTENCE = (
    "Is there any object belonging to the category '{category}' in the image?\nAnswer with one word: 'Yes' or 'No'."
)

NO_OBJECTS = "No Objects"

# What the target of supervised fine-tuning reasons, where it is to teach the form. It says no more than what was asked
# and answered: no thinking process is annotated, and an invented one would teach inventing.
_DETECTION_STUB = "I look for every {category} in the image and count {count}."
_CLASSIFICATION_STUB = "I look at {asked} in the image and compare it with those that I know; {name} fits best."
_GROUNDING_STUB = "I look for what the instruction means in the image: {instruction}"


def detection_prompt(category: str, think: bool = True, pixels: bool = False) -> str:
    """Return the user text of a detection question about one category.

    With ``think`` it is the prompt of the published detection data (paper, Table 1; rows of ViRFT_COCO);
    without, the same request for the answer alone. With ``pixels`` it asks for pixels, for models that do not answer on
    the 0-1000 grid.

    Example:
        >>> detection_prompt("cat").splitlines()[1]
        "If no object belonging to the category 'cat' in the image, return 'No Objects'."
    """
    request = _DETECTION_THINKING if think else _DETECTION_DIRECT
    coordinates = "in pixels" if pixels else "between 0 and 1000"
    return (_DETECTION_QUESTION + request).format(category=category, coordinates=coordinates)


def classification_prompt(container: str, asked: str, think: bool = True) -> str:
    """Return the user text of a classification question.

    With ``think`` it is the prompt of the published classification data (paper, Table 1). The model is not told the
    class names, and the answer is a "species name" for every data set, cars too.

    Args:
        container: What the picture shows, "a plant".
        asked: What is asked for, "the species of the plant".
        think: Whether to ask for a thinking process.

    Example:
        >>> classification_prompt("a pet", "the species of the pet").splitlines()[0]
        'This is an image containing a pet. Please identify the species of the pet based on the image.'
    """
    request = _CLASSIFICATION_THINKING if think else _CLASSIFICATION_DIRECT
    return _CLASSIFICATION_QUESTION.format(container=container, asked=asked) + request


def grounding_prompt(instruction: str, think: bool = True) -> str:
    """Return the user text of a reasoning grounding question: where is what the instruction means.

    With ``think`` it is the prompt of the published training script (``grpo_lisa.py``).

    Example:
        >>> grounding_prompt("the rider", think=False)[:77]
        'Output the bounding box in the image corresponding to the instruction: the ri'
    """
    return _GROUNDING_QUESTION.format(instruction=instruction) + (_GROUNDING_THINKING if think else _GROUNDING_DIRECT)


def existence_prompt(category: str) -> str:
    """Return the user text that asks whether a category is in the picture at all, before it is asked where.

    The paper's evaluation has such a stage, but its prompt was never published; this one is ours, in the words of the
    detection prompt.

    Example:
        >>> existence_prompt("cat").splitlines()[0]
        "Is there any object belonging to the category 'cat' in the image?"
    """
    return _EXISTENCE.format(category=category)


def detection_answer(
    boxes: Sequence[Sequence[int]],
    confidences: Sequence[float] | None = None,
    thinking: str | None = None,
) -> str:
    """Write boxes in the form that `detection_prompt` asks for.

    Args:
        boxes: ``(x1, y1, x2, y2)`` in the model's coordinates; none means "No Objects".
        confidences: One per box in [0, 1]; 1 for every box when left out, as in the published solutions.
        thinking: Text for the think tags; the tags are left out without it (the paper's SFT targets are answer only).

    Example:
        >>> detection_answer([(1, 2, 3, 4)], [0.5])
        "<answer>[{'Position': [1, 2, 3, 4], 'Confidence': 0.50}]</answer>"
    """
    if confidences is None:
        confidences = [1.0] * len(boxes)
    listed = ", ".join(
        f"{{'Position': [{x1}, {y1}, {x2}, {y2}], 'Confidence': {confidence:.2f}}}"
        for (x1, y1, x2, y2), confidence in zip(boxes, confidences, strict=True)
    )
    return _tagged(f"[{listed}]" if boxes else NO_OBJECTS, thinking)


def classification_answer(name: str, thinking: str | None = None) -> str:
    """Write a class name in the form that `classification_prompt` asks for.

    Example:
        >>> classification_answer("hot dog")
        '<answer>hot dog</answer>'
    """
    return _tagged(name, thinking)


def grounding_answer(box: Sequence[int], thinking: str | None = None) -> str:
    """Write one box in the form that `grounding_prompt` asks for.

    Example:
        >>> grounding_answer((1, 2, 3, 4))
        '<answer>(1,2),(3,4)</answer>'
    """
    x1, y1, x2, y2 = box
    return _tagged(f"({x1},{y1}),({x2},{y2})", thinking)


def detection_stub(category: str, count: int) -> str:
    """Return a short, true thinking process of a detection target.

    Example:
        >>> detection_stub("cat", 2)
        'I look for every cat in the image and count 2.'
    """
    return _DETECTION_STUB.format(category=category, count=count)


def classification_stub(asked: str, name: str) -> str:
    """Return a short, true thinking process of a classification target.

    Example:
        >>> classification_stub("the species of the pet", "pug")
        'I look at the species of the pet in the image and compare it with those that I know; pug fits best.'
    """
    return _CLASSIFICATION_STUB.format(asked=asked, name=name)


def grounding_stub(instruction: str) -> str:
    """Return a short, true thinking process of a grounding target.

    Example:
        >>> grounding_stub("the rider")
        'I look for what the instruction means in the image: the rider'
    """
    return _GROUNDING_STUB.format(instruction=instruction)


def with_thinking(answer: str, thinking: str) -> str:
    """Put a thinking process before an answer in answer tags.

    Example:
        >>> with_thinking("<answer>rose</answer>", "yellow")
        '<think>yellow</think> <answer>rose</answer>'
    """
    return f"<think>{thinking}</think> {answer}"


def _tagged(answer: str, thinking: str | None) -> str:
    tagged = f"<answer>{answer}</answer>"
    return tagged if thinking is None else with_thinking(tagged, thinking)
