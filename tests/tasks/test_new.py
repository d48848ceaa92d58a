# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Names that `visual-rft task new` refuses, because something installed has them; what it writes: test_validate.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import visual_rft
from task_package import lay_task

pytestmark = pytest.mark.usefixtures("fresh_registry")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("detection", "there is a task 'detection' already, of the package verl-visual-rft; choose another name"),
        ("json", "there is a Python module 'json' already"),
        ("pyyaml", "the package PyYAML is installed already"),
        ("class", "'class' is no name for a task"),
    ],
)
def test_a_name_that_is_taken_is_refused_in_one_line(tmp_path: Path, name: str, message: str) -> None:
    done = visual_rft("task", "new", name, "--out", tmp_path / "mine")
    assert done.returncode == 2 and message in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "mine").exists()


def test_the_task_and_the_package_of_another_installed_package_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = lay_task(tmp_path, monkeypatch)
    done = visual_rft("task", "new", name, "--out", tmp_path / "mine")
    assert done.returncode == 2 and f"there is a task {name!r} already, of the package" in done.stderr
