# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The prompt of labelled detection, and answers in its form: the notation in which Qwen-VL models give boxes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from verl_visual_rft.prompts import NO_OBJECTS, form_request, tagged
from verl_visual_rft.tasks.reading import plain

_QUESTION = (
    "Detect all objects in the image that belong to one of these categories: {categories}.\n"
    "Provide the bounding box ({coordinates}, integer) and the category of each object.\n"
    "If no object in the image belongs to one of them, return 'No Objects'.\n"
)

_FORM = '[{"bbox_2d": [x1, y1, x2, y2], "label": "category"}, ...]'


def labelled_prompt(categories: Sequence[str], think: bool = True, pixels: bool = False) -> str:
    """Return the user text of a question about several categories.

    Args:
        categories: All that are asked for, in their order.
        think: Whether to ask for a thinking process.
        pixels: Ask for pixels, for models that do not answer on the 0-1000 grid.

    Example:
        >>> labelled_prompt(["cup", "wine glass"]).splitlines()[0]
        'Detect all objects in the image that belong to one of these categories: cup, wine glass.'
    """
    coordinates = "in pixels" if pixels else "between 0 and 1000"
    question = _QUESTION.format(categories=", ".join(categories), coordinates=coordinates)
    return question + form_request(_FORM, think)


def labelled_answer(objects: Iterable[tuple[Sequence[float], str]], thinking: str | None = None) -> str:
    """Write boxes and labels in the form that `labelled_prompt` asks for.

    Args:
        objects: Box ``(x1, y1, x2, y2)`` in the model's coordinates, and category; none means "No Objects".
        thinking: Text for the think tags; the tags are left out without it.

    Example:
        >>> labelled_answer([((1, 2, 3, 4), "cup")])
        '<answer>[{"bbox_2d": [1, 2, 3, 4], "label": "cup"}]</answer>'
    """
    listed = ", ".join(
        f'{{"bbox_2d": [{", ".join(map(plain, box))}], "label": {json.dumps(label, ensure_ascii=False)}}}'
        for box, label in objects
    )
    return tagged(f"[{listed}]" if listed else NO_OBJECTS, thinking)


def labelled_stub(categories: Sequence[str], labels: Iterable[str]) -> str:
    """Return a short, true thinking process of a target.

    Example:
        >>> labelled_stub(["cup", "pen"], ["cup", "cup"])
        'I look for each of 2 categories in the image and count: cup 2.'
    """
    counts = Counter(labels)
    found = ", ".join(f"{name} {counts[name]}" for name in categories if counts[name]) or "none"
    return f"I look for each of {len(categories)} categories in the image and count: {found}."
