# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Commands called in this process, which saves the start of another: ``visual-rft``, recipes, scripts of data_prep/.

Each of them is also started for real by one test at least.
"""

from __future__ import annotations

import io
import runpy
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from verl_visual_rft.cli import main
from verl_visual_rft.runs.__main__ import main as run_recipe
from verl_visual_rft.runs.variables import NAMES

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """How a command ended: named as those of `subprocess.CompletedProcess`."""

    returncode: int
    stdout: str
    stderr: str


def visual_rft(*arguments: object, stdin: str = "", cwd: Path | None = None, **environment: str) -> Done:
    """Call ``visual-rft`` with ``environment`` added to this process's."""
    return _call(main, ["visual-rft", *map(str, arguments)], stdin, cwd, environment)


def recipe(name: str, *overrides: str, cwd: Path = REPOSITORY, **variables: str) -> Done:
    """Call what ``recipes/NAME.sh`` executes, with these variables and none of this process's."""
    environment = dict.fromkeys((*NAMES, "RAY_ADDRESS"), "") | variables

    def start() -> None:
        sys.exit(run_recipe(["run", str(cwd), name, *overrides]))

    return _call(start, ["recipe"], "", None, environment)


def data_prep(script: str, *arguments: object, cwd: Path | None = None) -> Done:
    """Call a script of data_prep/ by its file name."""
    path = str(REPOSITORY / "data_prep" / script)
    return _call(lambda: runpy.run_path(path, run_name="__main__"), [path, *map(str, arguments)], "", cwd, {})


def _call(
    function: Callable[[], object], argv: list[str], stdin: str, cwd: Path | None, environment: dict[str, str]
) -> Done:
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as stdout,
        redirect_stderr(io.StringIO()) as stderr,
    ):
        patch.setattr(sys, "argv", argv)
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        if cwd is not None:
            patch.chdir(cwd)
        for name, value in environment.items():
            patch.setenv(name, value)
        status = _status(function)
    return Done(status, stdout.getvalue(), stderr.getvalue())


def _status(function: Callable[[], object]) -> int:
    """What the interpreter makes of an exit: a number stands for itself, an exception is printed."""
    try:
        function()
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0
