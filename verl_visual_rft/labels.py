# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Class names: when two are the same, and which class of a closed set an answer names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from verl_visual_rft.errors import UserError

#: A longer answer is a text about classes and not the name of one.
MAX_NAME_LENGTH = 200

_ARTICLES = frozenset({"a", "an", "the"})
_SPACES = re.compile(r"[\s_]+")
_DASHES = re.compile("[-\u2010-\u2015\u2212]")
_APOSTROPHES = re.compile("['\u2019]")
_ACCENTS = re.compile("[\u0300-\u036f]")
# Chinese and Japanese are written without spaces: an ideograph or a hiragana is a word, a run of katakana is one.
_UNSPACED = re.compile("[\u3040-\u309f\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[\u30a1-\u30fa\u30fc-\u30ff]+")
_OUTER_PUNCTUATION = '.,;:!?\u2026()[]{}<>"`*~\u2018\u201c\u201d\u201e\u00ab\u00bb\u3001\u3002'


def same_name(answer: str, label: str) -> bool:
    """Whether two names are equal but for case, underscores for spaces and the amount of white space.

    This is the paper's rule, equality of the classes (section 3.2).

    Example:
        >>> same_name("American  Bulldog", "american_bulldog"), same_name("rose.", "rose")
        (True, False)
    """
    return plain_name(answer) == plain_name(label)


def plain_name(name: str) -> str:
    """Return what `same_name` compares.

    Example:
        >>> plain_name(" American  Bulldog"), plain_name("american_bulldog")
        ('american bulldog', 'american bulldog')
    """
    return " ".join(name.replace("_", " ").split()).casefold()


def contains_either(answer: str, label: str) -> bool:
    """Whether one name contains the other when spaces, underscores and case are ignored.

    This is the rule of the published code (``grpo_classification.py`` and its evaluation). The empty answer is part of
    every name and therefore always right, and so is an answer that lists all classes: for comparison only.

    Example:
        >>> [contains_either(answer, "rose") for answer in ("primrose", "rose, tulip or daisy", "", "tulip")]
        [True, True, True, False]
    """
    answer, label = (name.strip().replace(" ", "").replace("_", "").lower() for name in (answer, label))
    return label in answer or answer in label


@lru_cache(maxsize=4096)  # the same few names in every row
def canonical(name: str) -> str:
    """Return a name in the form in which names are compared on a closed set.

    Unicode NFKC without case, accents and invisible characters; underscores and dashes are spaces; apostrophes, and
    punctuation around words, are dropped ("16.4" and "F/A" keep theirs), and so is a leading article; the last word is
    in the singular where a plain rule finds it. Chinese and Japanese characters stand apart. Empty for a name of
    punctuation only.

    Example:
        >>> [canonical(name) for name in ("The Hard-leaved pocket orchids.", "american_bulldog", "737-200")]
        ['hard leaved pocket orchid', 'american bulldog', '737 200']
    """
    words = _words(name)
    return " ".join([*words[:-1], _singular(words[-1])]) if words else ""


def match_closed_set(answer: str, labels: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> str | None:
    """Return the one class of a closed set that an answer names.

    Names are compared in their `canonical` form, as whole words. Either the answer is a name, or names are looked for
    in it; one that lies inside a longer one does not count ("desert-rose" is no "rose"). Time is linear in the answer.

    Args:
        answer: The answered text.
        labels: The names of all classes.
        aliases: Other names of some of them: class name -> names.

    Returns:
        The class as it stands in ``labels``; None when the answer names no class, names several, or is longer than
        `MAX_NAME_LENGTH` characters.

    Raises:
        UserError: Two classes share a name, a name is of punctuation only, or aliases are those of no class.

    Example:
        >>> flowers = ("rose", "desert-rose", "tulip")
        >>> answers = ("some desert roses", "rosa", "rose or tulip")
        >>> [match_closed_set(answer, flowers, {"rose": ["Rosa"]}) for answer in answers]
        ['desert-rose', 'rose', None]
    """
    known_aliases = tuple((label, tuple(names)) for label, names in aliases.items())
    index = _index(tuple(labels), known_aliases)
    if len(answer) > MAX_NAME_LENGTH:
        return None
    words = _words(answer)
    if not words:
        return None
    whole = index.classes.get(" ".join([*words[:-1], _singular(words[-1])]))
    if whole is not None:
        return whole
    named = set(_named(words, index))
    return named.pop() if len(named) == 1 else None


def names_the_class(answer: str, label: str, labels: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> bool:
    """Whether an answer is right: it names the class and, as far as can be known, no other.

    On a closed set the label must be the one class that the answer names: see `match_closed_set`. Without one the
    answer must be its name and nothing else, for of the names beside it no one could say whether they are classes.

    Args:
        answer: The answered text.
        label: The right class.
        labels: The closed set, the label in it; empty when it is not known.
        aliases: Other names of classes: class name -> names.

    Example:
        >>> answers = ("The roses!", "it is a rose", "rose, tulip, daisy, lily or violet")
        >>> [names_the_class(answer, "rose", ["rose", "tulip"], {}) for answer in answers]
        [True, True, False]
        >>> [names_the_class(answer, "rose", [], {}) for answer in answers]
        [True, False, False]
    """
    if labels:
        return match_closed_set(answer, labels, aliases) == label
    if len(answer) > MAX_NAME_LENGTH:
        return False
    index = _index((label,), tuple((other, tuple(names)) for other, names in aliases.items()))
    return canonical(answer) in index.classes


class _Index(NamedTuple):
    """A closed set, ready to be looked up.

    Attributes:
        classes: The class of each name in canonical form.
        lengths: For the first word of names of several words their numbers of words, longest first.
    """

    classes: dict[str, str]
    lengths: dict[str, list[int]]


@lru_cache(maxsize=64)  # every row of a dataset has the same set
def _index(labels: tuple[str, ...], aliases: tuple[tuple[str, tuple[str, ...]], ...]) -> _Index:
    known = frozenset(labels)
    strangers = [label for label, _ in aliases if label not in known]
    if strangers:
        raise UserError(
            f"there are aliases of {strangers[0]!r}, which is no class; list it under 'labels', spelled alike"
        )
    classes: dict[str, str] = {}
    origins: dict[str, str] = {}
    for label, names in (*((label, (label,)) for label in labels), *aliases):
        for name in names:
            form = canonical(name)
            if not form:
                raise UserError(f"the name {name!r} of class {label!r} is punctuation only; name it in words")
            if classes.setdefault(form, label) != label:
                raise UserError(
                    f"{name!r} of class {label!r} and {origins[form]!r} of class {classes[form]!r} are the same name "
                    f"({form!r}); rename one of them"
                )
            origins.setdefault(form, name)
    lengths: dict[str, list[int]] = {}
    for first_word, length in sorted({(form.split()[0], len(form.split())) for form in classes}, reverse=True):
        if length > 1:
            lengths.setdefault(first_word, []).append(length)
    return _Index(classes, lengths)


def _named(words: list[str], index: _Index) -> Iterator[str]:
    """Yield the classes whose names stand in the words, without names inside longer ones."""
    last_words = [_singular(word) for word in words]
    reach = 0  # where the names found so far end: what ends no later lies inside one of them
    for start, first_word in enumerate(words):
        for length in (*index.lengths.get(first_word, ()), 1):
            end = start + length
            if reach < end <= len(words):
                label = index.classes.get(" ".join([*words[start : end - 1], last_words[end - 1]]))
                if label is not None:
                    reach = end
                    yield label


def _words(name: str) -> list[str]:
    """Return the words of a name, without its leading article."""
    text = unicodedata.normalize("NFKC", name).casefold()
    if not text.isascii():
        text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")  # invisible, like U+200B
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
        text = _UNSPACED.sub(r" \g<0> ", text)
    words = _split(_APOSTROPHES.sub("", text), _SPACES)
    # Before dashes become spaces and not before a number: "A-10" and "An 12" are aircraft.
    if len(words) > 1 and words[0] in _ARTICLES and not words[1][0].isdecimal():
        del words[0]
    return [part for word in words for part in _split(word, _DASHES)]


def _split(text: str, separator: re.Pattern[str]) -> list[str]:
    return [word for piece in separator.split(text) if (word := piece.strip(_OUTER_PUNCTUATION))]


def _singular(word: str) -> str:
    """Return the singular of a regular English plural; any other word, and one in doubt, as it is.

    Too short to be sure: "TTS" is another car than "TT". "Glasses" are not made "glass".
    """
    if len(word) < 4 or not word.isalpha() or not word.endswith("s") or word.endswith(("ss", "us", "is", "sses")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes")):
        return word[:-2]
    return word[:-1]
