# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``command.sh`` in the folder of a training: the one flat command that was executed, to copy and to change."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from verl_visual_rft.atomic import replacing
from verl_visual_rft.runs.words import readable_quote

_HEAD = """\
#!/usr/bin/env bash
# The training of this folder as it was executed; called again it goes on from the last checkpoint. Any veRL override
# may follow. To train anew, copy this file, and give --run and trainer.default_local_dir another folder.
set -euo pipefail
"""
_SETTING = re.compile(r"[+~]*\w[\w.@/-]*=")


def write_command_file(
    path: Path, command: Sequence[str], variables: Mapping[str, str], programs: Path, folder: Path
) -> None:
    """Write a script that executes a command, and passes its own arguments on.

    Args:
        path: The script; its folder is made.
        command: Its words.
        variables: Environment variables that it needs.
        programs: Folder of its programs, if they are not on the PATH.
        folder: It runs there.

    Raises:
        UserError: The file cannot be written.
    """
    lines = [
        f"cd {readable_quote(str(folder))}",
        f'export PATH={readable_quote(str(programs))}:"$PATH"',
        *(f"export {readable_quote(f'{name}={value}')}" for name, value in variables.items()),
        "",
        "exec " + " \\\n    ".join([*_lines(command), '"$@"']),
    ]
    with replacing(path) as temporary:
        temporary.write_bytes(os.fsencode(_HEAD + "\n".join(lines) + "\n"))
        temporary.chmod(0o755)


def _lines(command: Sequence[str]) -> list[str]:
    """Lay a command out as veRL's scripts do: what starts the trainer, then a setting a line."""
    first = next((i for i, word in enumerate(command) if _SETTING.match(word)), len(command))
    lines: list[list[str]] = [[]]
    for word in command[:first]:
        lines[-1].append(readable_quote(word))
        if word == "--":
            lines.append([])
    return [" ".join(words) for words in lines] + [readable_quote(word) for word in command[first:]]
