# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The tags of a response: where the reasoning ends and which block is the answer."""

from __future__ import annotations

import re
from typing import NamedTuple

#: Characters of an answer, and of the reasoning before it, that are read. A list of 300 boxes, the most that are read,
#: takes about 18000.
MAX_LENGTH = 32768

# Only the names in any case: a search for "<" is quick where no letter has two cases.
_TAG = re.compile(r"(</?(?i:think|answer)>)")
_EXACT_TAG = re.compile(r"(</?(?:think|answer)>)")
_TAGS = frozenset({"<think>", "</think>", "<answer>", "</answer>"})
# Directly behind the backticks of a fence; a word on a line of its own below them is the answer's.
_LANGUAGE = re.compile(r"(?:json|python|text|txt|plaintext|xml|yaml)(?=[\s\[{(])|\w{1,20}(?=[ \t\r]*\n)", re.IGNORECASE)


class Tagged(NamedTuple):
    r"""A response taken apart at its tags.

    Attributes:
        has_format: It has the form that the prompt asks for, outer white space ignored: a full match of
            ``<think>.*?</think>\s*<answer>.*?</answer>``, or where no thinking is asked for one answer block alone.
        thinking: The text between the think tags before the answer, without tags that it mentions; cut at `MAX_LENGTH`.
        answer: The text of the last answer block outside the reasoning, cut at `MAX_LENGTH`; None when there is none.
        fault: What is amiss with that block; empty when nothing is.
        untagged: The text outside the reasoning where an answer may stand if there is no answer block; cut likewise.
    """

    has_format: bool
    thinking: str
    answer: str | None
    fault: str
    untagged: str

    def text(self) -> tuple[str, list[str]]:
        """Return the text that is the answer if any is, and what is amiss around it."""
        if self.answer is None:
            return self.untagged, ["no answer tags"]
        return self.answer, [self.fault] if self.fault else []


def split_tags(response: str, think: bool = True) -> Tagged:
    """Take a response apart at its think and answer tags, in time linear in its length.

    Tags count in any case (``<Answer>``), but only those in lower case are the form that is asked for. The last answer
    block counts, for a model may echo the prompt's template before it answers. Everything up to
    ``</think>`` is reasoning, also where a chat template wrote the opening tag into the prompt, and an answer block
    inside it is no answer. Reasoning that is never closed ends where an answer block begins.

    Args:
        response: Any text.
        think: Whether the prompt asks for thinking before the answer; decides ``has_format`` alone.

    Example:
        >>> split_tags("<think> I see <answer>x</answer> </think> <answer> rose </answer>").answer
        ' rose '
    """
    pieces = _TAG.split(response)  # text, tag, text, tag, ..., text
    written = pieces[1::2]
    other_case = not _TAGS.issuperset(written)
    has_format = _has_format(_EXACT_TAG.split(response) if other_case else pieces, think)
    if other_case:
        pieces[1::2] = map(str.lower, written)
    reasoning: int | None = 0  # the piece in which the reasoning that is open began
    thinking = ""
    answer = answer_before_reasoning = 0  # the piece that is the answer; 0 stands for none
    untagged = 0
    for i in range(1, len(pieces), 2):
        tag = pieces[i]
        if tag == "<answer>":
            answer = i + 1
        elif tag == "<think>" and not reasoning:
            reasoning, answer_before_reasoning = i + 1, answer
        elif tag == "</think>" and reasoning is not None:
            thinking = "".join(pieces[reasoning:i:2])[:MAX_LENGTH]
            reasoning, answer = None, answer_before_reasoning
            untagged = i + 1
    if not answer:
        return Tagged(has_format, thinking, None, "", pieces[untagged][:MAX_LENGTH])
    fault = ""
    if other_case and not _TAGS.issuperset(written[answer // 2 - 1 : answer // 2 + 1]):
        fault = "answer tags that are not in lower case"
    if reasoning and reasoning < answer:
        fault = "the think tag is not closed"
    if pieces[answer + 1 : answer + 2] != ["</answer>"]:
        fault = "the answer tag is not closed"
    if len(pieces[answer]) > MAX_LENGTH:
        fault = f"the answer is longer than {MAX_LENGTH} characters"
    return Tagged(has_format, thinking, pieces[answer][:MAX_LENGTH], fault, "")


def unfence(text: str) -> tuple[str, str]:
    """Return a text without white space and code fence (three backticks) around it, and what is said of the fence.

    Example:
        >>> unfence("```json [] ```")
        ('[]', 'a code fence around it')
    """
    text = text.strip()
    if not text.startswith("```"):
        return text, ""
    inner = text[3:].removesuffix("```").rstrip()
    language = _LANGUAGE.match(inner)
    return inner[language.end() if language else 0 :].strip(), "a code fence around it"


def _has_format(pieces: list[str], think: bool) -> bool:
    """Whether a response that was taken apart at its tags is in the form of `Tagged.has_format`."""
    if len(pieces) < 5 or pieces[0].strip() or pieces[-1].strip():
        return False
    if not think:
        return pieces[1::2] == ["<answer>", "</answer>"]
    if pieces[1] != "<think>" or pieces[-2] != "</answer>":
        return False
    for i in range(5, len(pieces), 2):
        if pieces[i] == "<answer>" and pieces[i - 2] == "</think>" and not pieces[i - 1].strip():
            return True
    return False
