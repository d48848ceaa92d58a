# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What ``recipes/NAME.sh`` executes: ``python -m verl_visual_rft.runs run FOLDER NAME [veRL override ...]``.

FOLDER is where the user is; variables are those of the environment. ``device`` in the place of ``run`` checks them and
prints what the run is on, for the shell to see to its environment; ``variables`` prints their names. A refusal is one
line and exit status 1.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from verl_visual_rft.errors import UserError, system_errors_are_the_users
from verl_visual_rft.runs.catalogue import execute, help_of, read_run, variables_of
from verl_visual_rft.terminal import say


def main(arguments: Sequence[str]) -> int:
    """Run; return the exit status."""
    try:
        with system_errors_are_the_users():
            _main(*arguments)
    except UserError as error:
        say(f"error: {error}", error=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _main(action: str, caller: str, name: str, *overrides: str) -> None:
    if action == "variables":
        say("\n".join(variables_of(name)))
        return
    if overrides[:1] in (("-h",), ("--help",)):
        say(help_of(name), end="")
        return
    run = read_run(name, os.environ, overrides, Path(caller))
    if action == "device":
        say(run.device)
    else:
        execute(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
