# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What says that there is nothing to detect."""

from __future__ import annotations

import re

#: A longer text says more than that.
_LONGEST = 400

# What follows the name of a category and takes back that nothing is there.
_BUT = "but|except|other|only|one|there|however|though|although|besides|unless"
# In quotes, which may hold an apostrophe, or a few words; never boxes, a second sentence or an exception.
_NAME = rf"""(?: '(?:[^'\[\]{{}}]|'(?=\w)){{1,100}}' | "[^"\[\]{{}}]{{1,100}}"
    | (?!['"]|(?:{_BUT})\b) [^\s\d\[\]{{}}:.,;]+ (?:\ (?!(?:{_BUT})\b) [^\s\d\[\]{{}}:.,;]+){{0,4}}? )"""
# The prompt's own words, "No object belonging to the category 'cat' in the image", are among them. A class without the
# word "object" ("no cat") is not: which one was asked for is not known here.
_NOTHING = re.compile(
    rf"""(?: there\ (?:is|are|was|were)\ )?
        (?: no[ _]objects? (?:\ of\ (?:interest|this\ (?:kind|category)))? | none | nothing )
        (?: \ (?:belonging\ to|of|in|from|for)\ (?:the\ )?category\ {_NAME} )?
        (?: \ (?:(?:is|are|was|were|can\ be|could\ be|has\ been|have\ been)\ )?
            (?:found|detected|present|visible|seen|identified|there) )?
        (?: \ (?:in|on)\ (?:the|this)\ (?:given\ |provided\ )?(?:image|picture|photo|photograph) )?
        (?: \ (?:(?:is|are|was|were)\ )?(?:found|detected|present|visible|seen|identified) )?
        | \[\ ?\]""",
    re.IGNORECASE | re.VERBOSE,
)
_AROUND = " \t\r\n[]({})*.!`\u3002"


def says_nothing(text: str) -> bool:
    """Whether a text, without the code fence around it, says "No Objects" or is an empty list.

    Case, quotes, brackets and emphasis around the words do not matter.

    Example:
        >>> [says_nothing(text) for text in ("[]", "**No objects detected.**", "No Objects but one", "no cat")]
        [True, True, False, False]
    """
    if len(text) > _LONGEST or text.startswith("[{"):  # the list that is asked for, in most cases
        return False
    words = " ".join(text.split())
    # The quotes last: those of a name at the end are no quotes around the words.
    bare = words.strip(_AROUND)
    return any(_NOTHING.fullmatch(form) for form in (words, bare, bare.strip(_AROUND + "'\"")))
