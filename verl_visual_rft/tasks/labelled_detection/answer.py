# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The labelled boxes that a response detects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from verl_visual_rft.answers.absence import says_nothing
from verl_visual_rft.answers.answer import EXTENT, NO_ANSWER_REASON, Answer, Outcome
from verl_visual_rft.answers.notations import (
    MAX_BOXES,
    Written,
    find_list_or_nothing,
    half_width,
    judged_box,
    valid_confidence,
)
from verl_visual_rft.answers.objects import explain_list, is_empty_list, read_objects, read_plain_list
from verl_visual_rft.answers.tags import split_tags
from verl_visual_rft.boxes import Box

#: Keys of an object as the prompt asks for it; a confidence may stand beside them.
BOX_KEY, LABEL_KEY, CONFIDENCE_KEY = "bbox_2d", "label", "confidence"


class LabelledBox(NamedTuple):
    """One valid box with its label.

    Attributes:
        box: ``(x1, y1, x2, y2)``, finite, ``0 <= x1 < x2 <= extent[0]`` and ``0 <= y1 < y2 <= extent[1]``.
        label: As it was answered, not blank; which category it names is the truth's to say.
        confidence: In [0, 1]; None when the answer gives none that is. The prompt asks for none.
    """

    box: Box
    label: str
    confidence: float | None = None


@dataclass(frozen=True)
class LabelledAnswer(Answer):
    """What a response answers to a question about several categories.

    Attributes:
        objects: The valid boxes in the order of the answer.
        invalid_confidences: One entry for each box that is not valid or has no label: its confidence in [0, 1], or
            None.
    """

    objects: tuple[LabelledBox, ...]
    invalid_confidences: tuple[float | None, ...]

    @property
    def invalid(self) -> int:
        """Number of boxes that are not valid or have no label."""
        return len(self.invalid_confidences)

    @property
    def n_boxes(self) -> int:
        """Number of boxes answered, valid or not."""
        return len(self.objects) + len(self.invalid_confidences)


def parse_labelled(response: str, extent: tuple[float, float] = EXTENT, think: bool = True) -> LabelledAnswer:
    """Read the labelled boxes of a response.

    The last answer block outside the reasoning counts; without answer tags, what follows the reasoning counts if it
    begins as a list or says "No Objects". Text inside the think tags is never read as an answer.

    - Well-formed: a JSON list of ``{"bbox_2d": [x1, y1, x2, y2], "label": "name"}``, each perhaps with a
      ``"confidence"`` in [0, 1], in double or in single quotes, with any white space.
    - Repaired: other keys (``position``, ``bbox``; ``category``, ``class``, ``name``), code fences, damaged lists, tags
      or a part of the boxes, as in detection; docs/answers.md.
    - No objects: "No Objects", words to that effect (`says_nothing`), or an empty list (`is_empty_list`).
    - Malformed: no valid box with a label.

    Args:
        response: Any text; the time is linear in its length.
        extent: Upper ends of the coordinates, ``(x, y)``.
        think: Whether the prompt asks for thinking before the answer.

    Returns:
        The typed answer; ``reason`` says what was repaired or is wrong.

    Example:
        >>> parse_labelled('<think> red </think> <answer>[{"bbox_2d": [1, 2, 3, 4], "label": "cup"}]</answer>').objects
        (LabelledBox(box=(1.0, 2.0, 3.0, 4.0), label='cup', confidence=None),)
    """
    tagged = split_tags(response, think)
    text, faults = find_list_or_nothing(tagged)
    if text is None:
        return LabelledAnswer(Outcome.NO_ANSWER, NO_ANSWER_REASON, tagged.has_format, tagged.thinking, (), ())
    narrow = half_width(text)[0]
    if says_nothing(narrow) or is_empty_list(narrow):
        return LabelledAnswer(Outcome.NO_OBJECTS, "; ".join(faults), tagged.has_format, tagged.thinking, (), ())

    written, notation_faults = _read_boxes(text)
    faults += notation_faults
    objects: list[LabelledBox] = []
    invalid: list[float | None] = []
    clipped = unlabelled = unsure = 0
    for position, given_confidence, label in written[:MAX_BOXES]:
        (box, moved), confidence = judged_box(position, extent), valid_confidence(given_confidence)
        clipped += moved
        if box is not None and isinstance(label, str) and label.strip():
            objects.append(LabelledBox(box, label.strip(), confidence))
            unsure += confidence is None and given_confidence is not None
        else:
            invalid.append(confidence)
            unlabelled += box is not None
    invalid.extend([None] * (len(written) - MAX_BOXES))

    if not written:
        faults = ["no box in a known notation"]
    for count, fault in (
        (clipped, "clipped to the picture"),
        (len(invalid) - unlabelled, "invalid"),
        (unlabelled, "without a label"),
        (unsure, "with a confidence that is not in [0, 1]"),
    ):
        if count:
            faults.append(f"{count} of {len(written)} boxes {fault}")
    outcome = Outcome.MALFORMED
    if objects:
        outcome = Outcome.REPAIRED if faults else Outcome.WELL_FORMED
    return LabelledAnswer(
        outcome, "; ".join(faults), tagged.has_format, tagged.thinking, tuple(objects), tuple(invalid)
    )


def _read_boxes(text: str) -> tuple[list[Written], list[str]]:
    """Return the boxes that are written in a text, and what is amiss with how they are."""
    plain = read_plain_list(text, BOX_KEY, CONFIDENCE_KEY, LABEL_KEY)
    if plain:
        return plain, []
    narrow, width_fault = half_width(text)
    faults = [width_fault] if width_fault else []
    if boxes := read_objects(narrow, may_be_json=plain is not None or width_fault != ""):
        return boxes, [*faults, explain_list(narrow, (BOX_KEY, LABEL_KEY))]
    return [], faults
