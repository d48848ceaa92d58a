# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The class that a response names."""

from __future__ import annotations

from dataclasses import dataclass

from verl_visual_rft.answers.answer import NO_ANSWER_REASON, Answer, Outcome
from verl_visual_rft.answers.tags import split_tags, unfence
from verl_visual_rft.labels import MAX_NAME_LENGTH


@dataclass(frozen=True)
class ClassificationAnswer(Answer):
    """What a response answers to a classification question.

    Attributes:
        label: The text of the answer without outer white space; empty when there is none.
    """

    label: str


def parse_classification(response: str, think: bool = True) -> ClassificationAnswer:
    """Read the class name of a response: the text of its last answer block outside the reasoning.

    Without answer tags a line of at most `MAX_NAME_LENGTH` characters outside the reasoning is the answer; a longer
    text is about classes. A code fence is left out. Whether the text is a name is for the reward to say.

    Args:
        response: Any text.
        think: Whether the prompt asks for thinking before the answer.

    Returns:
        The typed answer: well-formed, repaired (tags missing or not closed, a code fence), malformed (an empty block),
        or no answer.

    Example:
        >>> parse_classification("<think> yellow </think> <answer> rose </answer>").label
        'rose'
    """
    tagged = split_tags(response, think)
    text, faults = tagged.text()
    label, fence = unfence(text)
    if tagged.answer is None and (not label or len(label) > MAX_NAME_LENGTH or len(label.splitlines()) > 1):
        return ClassificationAnswer(Outcome.NO_ANSWER, NO_ANSWER_REASON, tagged.has_format, tagged.thinking, "")
    reason = "; ".join(fault for fault in (*faults, fence) if fault)
    outcome = Outcome.REPAIRED if reason else Outcome.WELL_FORMED
    if not label:
        outcome, reason = Outcome.MALFORMED, "the answer is empty"
    return ClassificationAnswer(outcome, reason, tagged.has_format, tagged.thinking, label)
