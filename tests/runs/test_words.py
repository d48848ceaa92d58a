# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Words as bash reads them. Hydra's reading: test_paths.py."""

from __future__ import annotations

import os
import subprocess

from verl_visual_rft.runs.words import bash_quote, readable_quote

PRINTABLE = [chr(code) for code in range(32, 127)]
WORDS = [
    *(word for character in PRINTABLE for word in (character, f"a{character}b", f"a:{character}", f"a={character}b")),
    *(chr(code) for code in range(1, 32)),
    *("", "é猫", "é b", "a\tb", "a\nb'c\\\"", "\x7f", "\x1b[31m", os.fsdecode(b"a\xff\xc3")),
]


def bash(script: str, *words: str) -> list[str]:
    command = ["bash", "-c", script, "bash", *words]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment, timeout=20).stdout
    return os.fsdecode(printed).split("\0")[:-1]


def test_bash_quote_is_printf_q_of_bash():
    """The settings of a stage are compared with those that older versions wrote so."""
    assert [bash_quote(word) for word in WORDS] == bash("printf '%q\\0' \"$@\"", *WORDS)


def test_bash_reads_every_word_as_it_was():
    for quote in (bash_quote, readable_quote):
        assert bash(f"printf '%s\\0' {' '.join(map(quote, WORDS))}") == WORDS
