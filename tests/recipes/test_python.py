# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The Python that a recipe takes before anything is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMES = ("python3", "python3.12", "python3.11", "python3.10")


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def show_help(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    command = ["bash", str(ROOT / "recipes/lisa_2b.sh"), "--help"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_python_that_is_too_old_is_said_in_one_line(tmp_path: Path) -> None:
    for name in NAMES:
        program(tmp_path / name, "exit 1")
    done = show_help(tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("error: no Python 3.10-3.12 on PATH. Remedy: ")
    assert len(done.stderr.splitlines()) == 1


def test_the_first_that_is_new_enough_is_taken(tmp_path: Path) -> None:
    for name in NAMES:
        program(tmp_path / name, "exit 1")
    program(tmp_path / "python3.11", f'exec "{sys.executable}" "$@"')
    done = show_help(tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    assert "DATA_ROOT=FOLDER bash recipes/lisa_2b.sh" in done.stdout
