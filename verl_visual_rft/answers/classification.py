# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The class that a response names."""

from __future__ import annotations

from dataclasses import dataclass

from verl_visual_rft.answers.answer import NO_ANSWER_REASON, Answer, Outcome
from verl_visual_rft.answers.tags import split_tags


@dataclass(frozen=True)
class ClassificationAnswer(Answer):
    """What a response answers to a classification question.

    Attributes:
        label: The text of the answer without outer white space; empty when there is none.
    """

    label: str


def parse_classification(response: str, think: bool = True) -> ClassificationAnswer:
    """Read the class name of a response: the text of its last answer block outside the reasoning.

    Without answer tags there is no answer: any text could be a name, and the reasoning mentions many. Whether the
    text is a name is for the reward to say.

    Args:
        response: Any text.
        think: Whether the prompt asks for thinking before the answer.

    Returns:
        The typed answer: well-formed, repaired (tags not closed), malformed (an empty block), or no answer.

    Example:
        >>> parse_classification("<think> yellow </think> <answer> rose </answer>").label
        'rose'
    """
    tagged = split_tags(response, think)
    label = (tagged.answer or "").strip()
    outcome, reason = Outcome.WELL_FORMED, tagged.fault
    if tagged.answer is None:
        outcome, reason = Outcome.NO_ANSWER, NO_ANSWER_REASON
    elif not label:
        outcome, reason = Outcome.MALFORMED, "the answer is empty"
    elif reason:
        outcome = Outcome.REPAIRED
    return ClassificationAnswer(outcome, reason, tagged.has_format, tagged.thinking, label)
