# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which file of a folder a listed name means, where tools and systems spell names in their own ways."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

#: The rule under which a name that had to be looked for is counted.
RESPELT = "file found under another spelling of its name"

_MOST_FOLDERS = 16  # before a name that are left out, one after the other


def find_file(folder: Path, name: str) -> str | None:
    """Return the path below ``folder`` of the file that a listed name means; None where there is none.

    The name as it stands comes first. Else backslashes are those of Windows, ``%20`` and its like stand for characters,
    accents may be written in another normal form (as macOS does), and folders before the name may be those of the
    machine that it was listed on. A whole path of a file in the folder means that file, through whatever links; any
    other is one of another machine.

    Example:
        >>> find_file(Path("photos"), "export/cat%20one.jpg")  # doctest: +SKIP
        'cat one.jpg'
    """
    if name.startswith("/") and _is_file(folder, name):
        as_named = os.path.normpath(name), os.path.abspath(folder)
        for whole, above in (as_named, (os.path.realpath(name), os.path.realpath(folder))):
            if whole.startswith(f"{above}/"):
                return os.path.relpath(whole, above)
    return next((spelt for spelt in _spellings(name) if _is_inside(spelt) and _is_file(folder, spelt)), None)


def _spellings(name: str) -> Iterator[str]:
    yield name
    slashed = name.replace("\\", "/")
    for whole in dict.fromkeys((slashed, unquote(name), unquote(slashed))):
        parts = whole.split("?d=")[-1].split("/")  # Label Studio's local files
        for dropped in range(min(len(parts), _MOST_FOLDERS)):
            shorter = "/".join(parts[dropped:])
            yield shorter
            yield unicodedata.normalize("NFC", shorter)
            yield unicodedata.normalize("NFD", shorter)


def _is_inside(name: str) -> bool:
    return not name.startswith("/") and ".." not in name.split("/") and "\0" not in name


def _is_file(folder: Path, name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name))  # of every image of a file: Path's `/` takes ten times as long
