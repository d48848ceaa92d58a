# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The prompt of each task, word for word where the paper or its data print it."""

from __future__ import annotations

from collections.abc import Sequence

#: Written into every manifest; raise it whenever a prompt changes by as much as a space.
PROMPT_VERSION = "1"

_DETECTION_QUESTION = (
    "Detect all objects belonging to the category '{category}' in the image, and provide the bounding boxes "
    "(between 0 and 1000, integer) and confidence (between 0 and 1, with two decimal places).\n"
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

NO_OBJECTS = "No Objects"


def detection_prompt(category: str, think: bool = True) -> str:
    """Return the user text of a detection question about one category.

    With ``think`` it is the prompt of the published detection data (paper, Table 1; rows of ViRFT_COCO);
    without, the same request for the answer alone.

    Example:
        >>> detection_prompt("cat").splitlines()[1]
        "If no object belonging to the category 'cat' in the image, return 'No Objects'."
    """
    request = _DETECTION_THINKING if think else _DETECTION_DIRECT
    return (_DETECTION_QUESTION + request).format(category=category)


def detection_answer(
    boxes: Sequence[Sequence[int]],
    confidences: Sequence[float] | None = None,
    thinking: str | None = None,
) -> str:
    """Write boxes in the form that `detection_prompt` asks for.

    Args:
        boxes: ``(x1, y1, x2, y2)`` on the 0-1000 grid; none means "No Objects".
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
    answer = f"<answer>[{listed}]</answer>" if boxes else f"<answer>{NO_OBJECTS}</answer>"
    return answer if thinking is None else f"<think>{thinking}</think> {answer}"
