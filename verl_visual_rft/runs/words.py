# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Words of command lines, written so that Hydra or bash reads them as they were."""

from __future__ import annotations

import os
import re
import shlex

# What `printf %q` of bash writes with a backslash: everywhere; at the beginning; after = or :.
_SPECIAL = re.compile(r"[ !\"$&'()*,;<>?\[\\\]^`{|}]|^[#~]|(?<=[:=])~")
_SHORT = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 27: "E", 39: "'", 92: "\\"}
_NOT_IN_DOUBLE_QUOTES = re.compile(r"[\"$`\\!\n]")


def hydra_value(value: object) -> str:
    r"""Return a value of an override as Hydra reads it, whatever is in it: a quoted string.

    Quotes within are escaped; backslashes before them and at the end are doubled, others are not.

    Example:
        >>> print(hydra_value("it's"))
        'it\'s'
    """
    doubled = re.sub(r"(\\*)('|\Z)", r"\1\1\2", str(value))
    return "'" + doubled.replace("'", "\\'") + "'"


def bash_quote(word: str) -> str:
    r"""Return a word as `printf %q` of bash writes it in a UTF-8 locale.

    Example:
        >>> print(bash_quote("a [b]"))
        a\ \[b\]
    """
    if not word:
        return "''"
    if word.isprintable():
        return _SPECIAL.sub(r"\\\g<0>", word)
    return "$'" + "".join(map(_ansi_c, word)) + "'"


def _ansi_c(character: str) -> str:
    if short := _SHORT.get(ord(character)):
        return f"\\{short}"
    if character.isprintable():
        return character
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(character))


def readable_quote(word: str) -> str:
    """Return a word as a person writes it in a script: of ``key=value`` only the value is quoted, and only if need be.

    Example:
        >>> print(readable_quote("data.train_files=['a b']"))
        data.train_files="['a b']"
    """
    key, _, value = word.partition("=")
    if value and shlex.quote(key) == key:
        return f"{key}={_quote(value)}"
    return _quote(word)


def _quote(text: str) -> str:
    if "'" in text and not _NOT_IN_DOUBLE_QUOTES.search(text):
        return f'"{text}"'
    return shlex.quote(text)
