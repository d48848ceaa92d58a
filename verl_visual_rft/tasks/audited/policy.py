# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a policy of the audit is: a function that answers a question, with a line on what it tries."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random

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


#: Policies of every task that do not answer.
SILENT: Mapping[str, Row] = {
    "empty response": ("Says nothing at all.", always("")),
    "empty answer": ("Reasons and leaves the answer empty.", ""),
}


def in_tags(say: Respond, change: Callable[[str], str]) -> Respond:
    """Answer with reasoning, and in answer tags with what is made of something said."""
    return lambda question, rng: response(change(say(question, rng)), rng)


def rewritten(say: Respond, change: Callable[[str], str]) -> Respond:
    """Answer with what is made of something said, and nothing around it."""
    return lambda question, rng: change(say(question, rng))


def copied_template(form: str) -> dict[str, Row]:
    """Return the cheat that answers with the form that the prompt shows."""
    template = f"<think> ... </think> <answer>{form}</answer>"
    return {"copied template": ("Repeats the format of the prompt, word for word.", always(template))}


def unasked_reasoning(honest: Respond) -> tuple[Policy, ...]:
    """Return the cheats that reason all the same where the prompt asks for the answer alone."""

    def inside(text: str) -> str:
        thinking, _, answer = text.partition(" <answer>")
        return f"<answer>{thinking} {answer}"

    return (
        Policy("reasoning nobody asked for", "The honest answer after a thinking process.", honest),
        Policy(
            "reasoning inside the answer",
            "The honest answer with the thinking process in the answer tags before it.",
            rewritten(honest, inside),
        ),
    )


def reasoning_cheats(say: Respond) -> dict[str, Row]:
    """Return the cheats that put the honest answer, or no thought, where reasoning belongs.

    Args:
        say: The honest answer as it stands between answer tags.
    """
    forms = {
        "hidden in the reasoning": (
            "The honest answer inside the think tags; the answer proper is empty.",
            "<think> I see <answer>{}</answer> </think> <answer></answer>",
        ),
        "copied reasoning": (
            "The honest answer without a thought: the prompt's own dots between the think tags.",
            "<think> ... </think> <answer>{}</answer>",
        ),
        "no reasoning": (
            "The honest answer with nothing between the think tags.",
            "<think></think> <answer>{}</answer>",
        ),
        "reasoning of a template": (
            "The honest answer after words that prompts use for reasoning.",
            "<think> Here is my detailed step by step thinking process. </think> <answer>{}</answer>",
        ),
    }
    return {name: (tries, rewritten(say, form.format)) for name, (tries, form) in forms.items()}


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
