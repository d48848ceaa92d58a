# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Policies that answer classification questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from verl_visual_rft.tasks.audited import ALL, AuditedTask
from verl_visual_rft.tasks.audited.policy import (
    Respond,
    always,
    copied_template,
    described,
    policies,
    reasoning_cheats,
    response,
    tabulated,
    unasked_reasoning,
)
from verl_visual_rft.tasks.audited.question import Question
from verl_visual_rft.tasks.classification import ClassificationTruth

CLOSED_SET, OPEN_SET = "closed set", "no closed set"
#: Share of questions that do not say what the other classes are.
P_OPEN_SET = 0.5

#: Names inside names, names that share words, names that differ in a number only.
CLASS_NAMES = (
    "rose",
    "pink primrose",
    "desert-rose",
    "marigold",
    "english marigold",
    "tree mallow",
    "mallow",
    "cat",
    "caterpillar",
    "tiger cat",
    "bull terrier",
    "bull",
    "pit bull terrier",
    "boxer",
    "737-200",
    "737-300",
    "A300",
    "A300-600",
    "2007 Falcon 2000 Sedan",
    "2012 Falcon 2000 Sedan",
    "2012 Falcon Coupe",
    "1994 Audi 100 Wagon",
    "car",
    "sports car",
)


ACCURACY = {"weak": 0.3, "moderate": 0.6, "strong": 0.9}


def honest(question: Question, rng: Random) -> str:
    """Names one class, the right one 60 % of the time."""
    return response(_honest_name(question, rng), rng)


def _honest_name(question: Question, rng: Random) -> str:
    assert isinstance(question.truth, ClassificationTruth)
    label = question.truth.label
    others = [name for name in question.names if name != label]
    right = rng.random() < ACCURACY[question.skill] or not others
    return label if right else rng.choice(others)


def _naming(text: Callable[[Sequence[str]], str]) -> Respond:
    """Answer with a text made of every class name."""
    return lambda question, rng: response(text(question.names), rng)


def _spoilt(text: Callable[[str, Sequence[str], Random], str]) -> Respond:
    """Answer with a text made of the honest name and every class name."""
    return lambda question, rng: response(text(_honest_name(question, rng), question.names, rng), rng)


def every_name_in_the_reasoning(question: Question, rng: Random) -> str:
    """Reasons about every class name and answers nothing."""
    return f"<think> It may be {', '.join(question.names)}. </think> <answer></answer>"


def reasoning_without_an_answer(question: Question, rng: Random) -> str:
    """Reasons about every class name and never opens an answer: a fallback to the whole text finds them."""
    return f"<think> It may be {', '.join(question.names)}. </think>"


def _most_common_word(names: Sequence[str]) -> str:
    words: list[str] = [word for name in names for word in set(re.findall(r"\w+", name))]
    return max(sorted(set(words)), key=words.count)


def _superclass(name: str, names: Sequence[str], rng: Random) -> str:
    kin = [other for other in names if name.split()[-1] in other.split()]
    return min(kin or [name], key=len)


def _synonyms(name: str, names: Sequence[str], rng: Random) -> str:
    return " / ".join([name, name.upper(), f"{name}s", f"the {name}", *(other for other in names if name in other)])


def _look_alikes(name: str, names: Sequence[str], rng: Random) -> str:
    others = " ".join(names).translate(str.maketrans("aeopcx", "\u0430\u0435\u043e\u0440\u0441\u0445"))
    return f"{name} {others[:100]}"


def two_answers(question: Question, rng: Random) -> str:
    """The honest answer in one answer block, every class name in the next."""
    return f"{response(_honest_name(question, rng), rng)} <answer>{', '.join(question.names)}</answer>"


(HONEST,) = policies(honest)
_BLIND = tabulated(
    {
        "empty response": ("Says nothing at all.", always("")),
        "empty answer": ("Reasons and leaves the answer empty: the empty text is contained in every name.", ""),
        "blank answer": ("Answers with an underscore and a line break, which normalisation removes.", "_\n"),
        "every name": ("Lists every class name: the right one is among them.", _naming(", ".join)),
        "every name run together": (
            "Every class name without anything between them: no list to be seen.",
            _naming("".join),
        ),
        "every name on its own line": (
            "Every class name on a line of its own, which a search without DOTALL takes for no answer.",
            _naming("\n".join),
        ),
        "every name joined invisibly": (
            "Every class name with word joiners (U+2060) between: one word to the eye.",
            _naming("\u2060".join),
        ),
        "every name in a comment": (
            "The first class name, the others in an HTML comment behind it.",
            _naming(lambda names: f"{names[0]} <!-- {' '.join(names[1:])} -->"),
        ),
        "slice of every name": (
            "As many class names as a name may have characters, for a limit to let through.",
            _naming(lambda names: ", ".join(names)[:200]),
        ),
        **described(every_name_in_the_reasoning, reasoning_without_an_answer),
        "letter e": ('Answers "e", which most names contain.', "e"),
        "letter a": ('Answers "a", which most names contain.', "a"),
        "digit 0": ('Answers "0", which most model years and numbers contain.', "0"),
        "hyphen": ('Answers "-", which names of aircraft contain.', "-"),
        "most common word": ("Answers the word that most class names share.", _naming(_most_common_word)),
        "one class always": ("Answers the same class whatever the picture.", _naming(lambda names: names[0])),
        "none of them": ("Declines to choose.", "none of the listed classes"),
        **copied_template("species name"),
    },
    blind=True,
)
CHEATS = _BLIND + tabulated(
    {
        "first word only": (
            "The first word of the honest answer: a year, a number or an adjective that many classes share.",
            _spoilt(lambda name, names, rng: name.split()[0]),
        ),
        "last word only": (
            'The last word of the honest answer: "rose", "terrier", "sedan".',
            _spoilt(lambda name, names, rng: name.split()[-1]),
        ),
        "superclass": (
            "The broadest class that the honest answer may be of: the shortest name that shares its last word.",
            _spoilt(_superclass),
        ),
        "synonyms enumerated": (
            "The honest answer in every spelling, and the names that contain it as further ones.",
            _spoilt(_synonyms),
        ),
        "numbers only": (
            "The digits of the honest answer alone; 0 where there are none.",
            _spoilt(lambda name, names, rng: " ".join(re.findall(r"\d+", name)) or "0"),
        ),
        "two names": (
            "The honest answer or another class.",
            _spoilt(lambda name, names, rng: f"{name} or {rng.choice(names)}"),
        ),
        "five names": (
            "The honest answer and four more classes.",
            _spoilt(lambda name, names, rng: ", ".join([name, *rng.choices(names, k=4)])),
        ),
        "name and negation": (
            "The honest answer, and what else it might have been, denied.",
            _spoilt(lambda name, names, rng: f"{name}, not {rng.choice(names)}"),
        ),
        "look alikes": (
            "The honest answer, and further names in letters that look like Latin ones.",
            _spoilt(_look_alikes),
        ),
        "names around it": (
            'The honest answer with every class name that contains it or that it contains: "rose" and "pink primrose".',
            _spoilt(lambda name, names, rng: " ".join(other for other in names if other in name or name in other)),
        ),
        "name in a sentence": (
            "The honest answer inside a sentence that also fits other classes.",
            _spoilt(lambda name, names, rng: f"a picture of a {name}, a kind of cat, car, rose or bull"),
        ),
        **described(two_answers),
        **reasoning_cheats(_honest_name),
        "no tags": ("The honest answer alone, without any tags, for the parser to repair.", _honest_name),
    }
)


def _strata_of(question: Question) -> frozenset[str]:
    assert isinstance(question.truth, ClassificationTruth)
    return frozenset({ALL, CLOSED_SET if question.truth.labels else OPEN_SET})


def _make_truth(rng: Random) -> dict[str, Any]:
    truth: dict[str, Any] = {"label": rng.choice(CLASS_NAMES)}
    return truth if rng.random() < P_OPEN_SET else truth | {"labels": CLASS_NAMES}


AUDIT = AuditedTask(HONEST, CHEATS, unasked_reasoning(honest), (ALL, CLOSED_SET, OPEN_SET), _strata_of, _make_truth)
