# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The prompt of detection, word for word where the paper or its data print it, and answers in its form."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.prompts import NO_OBJECTS, form_request, tagged

_QUESTION = (
    "Detect all objects belonging to the category '{category}' in the image, and provide the bounding boxes "
    "({coordinates}, integer) and confidence (between 0 and 1, with two decimal places).\n"
    "If no object belonging to the category '{category}' in the image, return 'No Objects'.\n"
)

_FORM = "[{'Position': [x1, y1, x2, y2], 'Confidence': number}, ...]"

# What the target of supervised fine-tuning reasons, where it is to teach the form. It says no more than what was asked
# and answered: no thinking process is annotated, and an invented one would teach inventing.
_STUB = "I look for every {category} in the image and count {count}."


def detection_prompt(category: str, think: bool = True, pixels: bool = False) -> str:
    """Return the user text of a detection question about one category.

    With ``think`` it is the prompt of the published detection data (paper, Table 1; rows of ViRFT_COCO);
    without, the same request for the answer alone. With ``pixels`` it asks for pixels, for models that do not answer on
    the 0-1000 grid.

    Example:
        >>> detection_prompt("cat").splitlines()[1]
        "If no object belonging to the category 'cat' in the image, return 'No Objects'."
    """
    coordinates = "in pixels" if pixels else "between 0 and 1000"
    return _QUESTION.format(category=category, coordinates=coordinates) + form_request(_FORM, think, space="")


def detection_answer(
    boxes: Sequence[Sequence[int]], confidences: Sequence[float] | None = None, thinking: str | None = None
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
    return tagged(f"[{listed}]" if boxes else NO_OBJECTS, thinking)


def detection_stub(category: str, count: int) -> str:
    """Return a short, true thinking process of a detection target.

    Example:
        >>> detection_stub("cat", 2)
        'I look for every cat in the image and count 2.'
    """
    return _STUB.format(category=category, count=count)
