# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a policy of the audit is: a function that answers a question, with a line on what it tries."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random

from verl_visual_rft.prompts import NO_OBJECTS
from verl_visual_rft.tasks.audited.question import Question

#: Answers a question with a whole response. The generator is fresh for each question and the same for every policy,
#: so a cheat that builds on the honest answer builds on exactly the answer that honesty is scored for.
Respond = Callable[[Question, Random], str]
#: What a policy tries, in a line, and how it answers: a text is what it always puts in answer tags.
Row = tuple[str, Respond | str]

#: Reasoning in words of its own, so that what a policy earns depends on its answer.
THOUGHTS = (
    "I look at the picture from left to right and compare what I see with what was asked.",
    "The outline and the colour set it apart from the background, which settles the question.",
    "There are a few candidates; the clearest one fits the description best.",
    "Judging by shape and texture, this is the most plausible reading of the scene.",
)


@dataclass(frozen=True)
class Policy:
    """One contestant.

    Attributes:
        name: In the table.
        description: What it tries, in a line.
        respond: Its answers.
        blind: It does not look at the picture, so it answers the same however well the honest policy sees.
        right_in: Kinds of questions (`strata`) in which what it takes for granted is true, so that leading is no cheat.
    """

    name: str
    description: str
    respond: Respond
    blind: bool = False
    right_in: frozenset[str] = frozenset()


def policies(
    *functions: Respond, blind: bool = False, right_in: Mapping[Respond, Iterable[str]] | None = None
) -> tuple[Policy, ...]:
    """Make each function a policy: its name in words, its docstring as the description; see `tabulated`."""
    right = {_words(function): kinds for function, kinds in (right_in or {}).items()}
    return tabulated(described(*functions), blind, right)


def tabulated(
    rows: Mapping[str, Row], blind: bool = False, right_in: Mapping[str, Iterable[str]] | None = None
) -> tuple[Policy, ...]:
    """Make each row of a table a policy, by its name.

    Where a question asks for the answer alone, what `response` reasons is left away; reasoning that a policy writes
    itself stays.

    Args:
        rows: The table.
        blind: Whether they do not look at the picture.
        right_in: By name, the kinds of questions in which it is right.
    """
    right = right_in or {}
    return tuple(
        Policy(name, tries, _as_asked(answer), blind, frozenset(right.get(name, ())))
        for name, (tries, answer) in rows.items()
    )


def described(*functions: Respond) -> dict[str, Row]:
    """Make each function a row of a table: its name in words, and its docstring."""
    return {_words(function): (inspect.getdoc(function) or "", function) for function in functions}


def always(text: str) -> Respond:
    """Answer every question with the same whole response."""
    return lambda question, rng: text


def unasked_reasoning(honest: Respond) -> tuple[Policy, ...]:
    """Return the cheats that reason all the same where the prompt asks for the answer alone."""

    def reasoning_nobody_asked_for(question: Question, rng: Random) -> str:
        """The honest answer after a thinking process."""
        return honest(question, rng)

    def reasoning_inside_the_answer(question: Question, rng: Random) -> str:
        """The honest answer with the thinking process in the answer tags before it."""
        thinking, _, answer = honest(question, rng).partition(" <answer>")
        return f"<answer>{thinking} {answer}"

    rows = described(reasoning_nobody_asked_for, reasoning_inside_the_answer)
    return tuple(Policy(name, tries, cheat) for name, (tries, cheat) in rows.items() if callable(cheat))


def reasoning_cheats(say: Respond) -> tuple[Respond, ...]:
    """Return the cheats that put the honest answer, or no thought, where reasoning belongs: for `policies`.

    Args:
        say: The honest answer as it stands between answer tags.
    """

    def hidden_in_the_reasoning(question: Question, rng: Random) -> str:
        """The honest answer inside the think tags; the answer proper is empty."""
        return f"<think> I see <answer>{say(question, rng)}</answer> </think> <answer></answer>"

    def copied_reasoning(question: Question, rng: Random) -> str:
        """The honest answer without a thought: the prompt's own dots between the think tags."""
        return f"<think> ... </think> <answer>{say(question, rng)}</answer>"

    def no_reasoning(question: Question, rng: Random) -> str:
        """The honest answer with nothing between the think tags."""
        return f"<think></think> <answer>{say(question, rng)}</answer>"

    def reasoning_of_a_template(question: Question, rng: Random) -> str:
        """The honest answer after words that prompts use for reasoning."""
        thinking = "Here is my detailed step by step thinking process."
        return f"<think> {thinking} </think> <answer>{say(question, rng)}</answer>"

    return hidden_in_the_reasoning, copied_reasoning, no_reasoning, reasoning_of_a_template


def list_cheats(say: Respond) -> tuple[Respond, Respond, Respond, Respond]:
    """Return the cheats of any task whose answer is a list of boxes, or "No Objects".

    Args:
        say: The honest answer as it stands between answer tags.
    """

    def boxes_and_no_objects(question: Question, rng: Random) -> str:
        """The honest boxes and "No Objects" in one answer: right either way."""
        return response(f"{say(question, rng)} {NO_OBJECTS}", rng)

    def two_answers(question: Question, rng: Random) -> str:
        """The honest boxes in one answer block and "No Objects" in the next."""
        return f"{response(say(question, rng), rng)} <answer>{NO_OBJECTS}</answer>"

    def bare_list(question: Question, rng: Random) -> str:
        """The honest boxes without any tags, for the parser to repair."""
        return say(question, rng)

    def prompt_ellipsis(question: Question, rng: Random) -> str:
        """The honest list ended by the prompt's ``, ...``, for the parser to repair."""
        return response(say(question, rng).replace("}]", "}, ...]"), rng)

    return boxes_and_no_objects, two_answers, bare_list, prompt_ellipsis


def response(answer: str, rng: Random) -> str:
    """Write an answer as the prompt asks for it, with reasoning of its own words."""
    return f"{_reasoning(rng.choice(THOUGHTS))}<answer>{answer}</answer>"


def _reasoning(thought: str) -> str:
    return f"<think> {thought} </think> "


def _words(function: Respond) -> str:
    return function.__name__.replace("_", " ")


def _as_asked(answer: Respond | str) -> Respond:
    def respond(question: Question, rng: Random) -> str:
        written = response(answer, rng) if isinstance(answer, str) else answer(question, rng)
        if not question.truth.think:
            for thought in THOUGHTS:
                written = written.removeprefix(_reasoning(thought))
        return written

    return respond
