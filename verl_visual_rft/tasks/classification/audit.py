# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Policies that answer classification questions."""

from __future__ import annotations

import re
from random import Random
from typing import Any

from verl_visual_rft.tasks.audited import ALL, AuditedTask
from verl_visual_rft.tasks.audited.policy import policies, reasoning_cheats, response, unasked_reasoning
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


# --- Cheats that do not look at the picture --------------------------------------------------------------------------


def empty_response(question: Question, rng: Random) -> str:
    """Says nothing at all."""
    return ""


def empty_answer(question: Question, rng: Random) -> str:
    """Reasons and leaves the answer empty: the empty text is contained in every name."""
    return response("", rng)


def blank_answer(question: Question, rng: Random) -> str:
    """Answers with an underscore and a line break, which normalisation removes."""
    return response("_\n", rng)


def every_name(question: Question, rng: Random) -> str:
    """Lists every class name: the right one is among them."""
    return response(", ".join(question.names), rng)


def every_name_run_together(question: Question, rng: Random) -> str:
    """Every class name without anything between them: no list to be seen."""
    return response("".join(question.names), rng)


def every_name_on_its_own_line(question: Question, rng: Random) -> str:
    """Every class name on a line of its own, which a search without DOTALL takes for no answer."""
    return response("\n".join(question.names), rng)


def every_name_joined_invisibly(question: Question, rng: Random) -> str:
    """Every class name with word joiners (U+2060) between: one word to the eye."""
    return response("\u2060".join(question.names), rng)


def every_name_in_a_comment(question: Question, rng: Random) -> str:
    """The first class name, the others in an HTML comment behind it."""
    first, *others = question.names
    return response(f"{first} <!-- {' '.join(others)} -->", rng)


def slice_of_every_name(question: Question, rng: Random) -> str:
    """As many class names as a name may have characters, for a limit to let through."""
    return response(", ".join(question.names)[:200], rng)


def every_name_in_the_reasoning(question: Question, rng: Random) -> str:
    """Reasons about every class name and answers nothing."""
    return f"<think> It may be {', '.join(question.names)}. </think> <answer></answer>"


def reasoning_without_an_answer(question: Question, rng: Random) -> str:
    """Reasons about every class name and never opens an answer: a fallback to the whole text finds them."""
    return f"<think> It may be {', '.join(question.names)}. </think>"


def letter_e(question: Question, rng: Random) -> str:
    """Answers "e", which most names contain."""
    return response("e", rng)


def letter_a(question: Question, rng: Random) -> str:
    """Answers "a", which most names contain."""
    return response("a", rng)


def digit_0(question: Question, rng: Random) -> str:
    """Answers "0", which most model years and numbers contain."""
    return response("0", rng)


def hyphen(question: Question, rng: Random) -> str:
    """Answers "-", which names of aircraft contain."""
    return response("-", rng)


def most_common_word(question: Question, rng: Random) -> str:
    """Answers the word that most class names share."""
    words = [word for name in question.names for word in set(re.findall(r"\w+", name))]
    return response(max(sorted(set(words)), key=words.count), rng)


def one_class_always(question: Question, rng: Random) -> str:
    """Answers the same class whatever the picture."""
    return response(question.names[0], rng)


def none_of_them(question: Question, rng: Random) -> str:
    """Declines to choose."""
    return response("none of the listed classes", rng)


def copied_template(question: Question, rng: Random) -> str:
    """Repeats the format of the prompt, word for word."""
    return "<think> ... </think> <answer>species name</answer>"


# --- Cheats on top of an honest answer -------------------------------------------------------------------------------


def first_word_only(question: Question, rng: Random) -> str:
    """The first word of the honest answer: a year, a number or an adjective that many classes share."""
    return response(_honest_name(question, rng).split()[0], rng)


def last_word_only(question: Question, rng: Random) -> str:
    """The last word of the honest answer: "rose", "terrier", "sedan"."""
    return response(_honest_name(question, rng).split()[-1], rng)


def numbers_only(question: Question, rng: Random) -> str:
    """The digits of the honest answer alone; 0 where there are none."""
    return response(" ".join(re.findall(r"\d+", _honest_name(question, rng))) or "0", rng)


def superclass(question: Question, rng: Random) -> str:
    """The broadest class that the honest answer may be of: the shortest name that shares its last word."""
    name = _honest_name(question, rng)
    kin = [other for other in question.names if name.split()[-1] in other.split()]
    return response(min(kin or [name], key=len), rng)


def synonyms_enumerated(question: Question, rng: Random) -> str:
    """The honest answer in every spelling, and the names that contain it as further ones."""
    name = _honest_name(question, rng)
    kin = [other for other in question.names if name in other]
    return response(" / ".join([name, name.upper(), f"{name}s", f"the {name}", *kin]), rng)


def two_names(question: Question, rng: Random) -> str:
    """The honest answer or another class."""
    return response(f"{_honest_name(question, rng)} or {rng.choice(question.names)}", rng)


def five_names(question: Question, rng: Random) -> str:
    """The honest answer and four more classes."""
    names = [_honest_name(question, rng), *rng.choices(question.names, k=4)]
    return response(", ".join(names), rng)


def name_and_negation(question: Question, rng: Random) -> str:
    """The honest answer, and what else it might have been, denied."""
    return response(f"{_honest_name(question, rng)}, not {rng.choice(question.names)}", rng)


def look_alikes(question: Question, rng: Random) -> str:
    """The honest answer, and further names in letters that look like Latin ones."""
    others = " ".join(question.names).translate(str.maketrans("aeopcx", "\u0430\u0435\u043e\u0440\u0441\u0445"))
    return response(f"{_honest_name(question, rng)} {others[:100]}", rng)


def names_around_it(question: Question, rng: Random) -> str:
    """The honest answer with every class name that contains it or that it contains: "rose" and "pink primrose"."""
    name = _honest_name(question, rng)
    return response(" ".join(other for other in question.names if other in name or name in other), rng)


def name_in_a_sentence(question: Question, rng: Random) -> str:
    """The honest answer inside a sentence that also fits other classes."""
    return response(f"a picture of a {_honest_name(question, rng)}, a kind of cat, car, rose or bull", rng)


def two_answers(question: Question, rng: Random) -> str:
    """The honest answer in one answer block, every class name in the next."""
    return f"{response(_honest_name(question, rng), rng)} <answer>{', '.join(question.names)}</answer>"


def no_tags(question: Question, rng: Random) -> str:
    """The honest answer alone, without any tags, for the parser to repair."""
    return _honest_name(question, rng)


(HONEST,) = policies(honest)
_BLIND = policies(
    empty_response,
    empty_answer,
    blank_answer,
    every_name,
    every_name_run_together,
    every_name_on_its_own_line,
    every_name_joined_invisibly,
    every_name_in_a_comment,
    slice_of_every_name,
    every_name_in_the_reasoning,
    reasoning_without_an_answer,
    letter_e,
    letter_a,
    digit_0,
    hyphen,
    most_common_word,
    one_class_always,
    none_of_them,
    copied_template,
    blind=True,
)
CHEATS = _BLIND + policies(
    first_word_only,
    last_word_only,
    superclass,
    synonyms_enumerated,
    numbers_only,
    two_names,
    five_names,
    name_and_negation,
    look_alikes,
    names_around_it,
    name_in_a_sentence,
    two_answers,
    *reasoning_cheats(no_tags),
    no_tags,
)


def _strata_of(question: Question) -> frozenset[str]:
    assert isinstance(question.truth, ClassificationTruth)
    return frozenset({ALL, CLOSED_SET if question.truth.labels else OPEN_SET})


def _make_truth(rng: Random) -> dict[str, Any]:
    truth: dict[str, Any] = {"label": rng.choice(CLASS_NAMES)}
    return truth if rng.random() < P_OPEN_SET else truth | {"labels": CLASS_NAMES}


AUDIT = AuditedTask(HONEST, CHEATS, unasked_reasoning(honest), (ALL, CLOSED_SET, OPEN_SET), _strata_of, _make_truth)
