# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The prompt of pointing, and answers in its form."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.prompts import NO_OBJECTS, form_request, tagged
from verl_visual_rft.tasks.reading import plain

_QUESTION = (
    "Point to everything in the image that the instruction means, with one point ({coordinates}, integer) inside each: "
    "{instruction}\nIf the instruction means nothing in the image, return 'No Objects'.\n"
)

# "point_2d" is what Qwen-VL models say unasked.
_FORM = '[{"point_2d": [x, y]}, ...]'

_STUB = "I look for what the instruction means in the image and count {count}: {instruction}"


def pointing_prompt(instruction: str, think: bool = True, pixels: bool = False) -> str:
    """Return the user text of a pointing question: where is what the instruction means.

    With ``pixels`` it asks for pixels, for models that do not answer on the 0-1000 grid.

    Example:
        >>> pointing_prompt("the handles of the cup").splitlines()[1]
        "If the instruction means nothing in the image, return 'No Objects'."
    """
    coordinates = "in pixels" if pixels else "between 0 and 1000"
    return _QUESTION.format(instruction=instruction, coordinates=coordinates) + form_request(_FORM, think)


def pointing_answer(points: Sequence[Sequence[float]], thinking: str | None = None) -> str:
    """Write points in the form that `pointing_prompt` asks for; none as "No Objects".

    Example:
        >>> pointing_answer([(10, 20)])
        '<answer>[{"point_2d": [10, 20]}]</answer>'
    """
    listed = ", ".join(f'{{"point_2d": [{plain(x)}, {plain(y)}]}}' for x, y in points)
    return tagged(f"[{listed}]" if points else NO_OBJECTS, thinking)


def pointing_stub(instruction: str, count: int) -> str:
    """Return a short, true thinking process of a pointing target.

    Example:
        >>> pointing_stub("the handles", 2)
        'I look for what the instruction means in the image and count 2: the handles'
    """
    return _STUB.format(instruction=instruction, count=count)
