# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Begin a task of one's own: a small package with a task that works, and its tests."""

from __future__ import annotations

import keyword
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.registry import task_names, task_packages

_NAME, _CLASS = "yes_or_no", "YesOrNo"

_PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{distribution}"
version = "0.1.0"
description = "A task for verl_visual_rft"
requires-python = ">=3.10"
dependencies = ["verl-visual-rft"]

[project.entry-points."verl_visual_rft.tasks"]
{name} = "{name}:{kind}"

[tool.hatch.build.targets.wheel]
include = ["{name}.py"]
"""


def write_package(name: str, out: Path) -> Path:
    """Write a package with a task of this name.

    Args:
        name: An identifier that is no task, module or package yet.
        out: Folder to make.

    Raises:
        UserError: The name is no identifier or taken, or the folder is there.
    """
    if not name.isidentifier() or name != name.lower() or keyword.iskeyword(name):
        raise UserError(f"{name!r} is no name for a task; use small letters and underscores, as in 'which_is_nearer'")
    if name in task_names():
        packages = " and ".join(task_packages(name))
        raise UserError(f"there is a task {name!r} already, of the package {packages}; choose another name")
    if out.exists():
        raise UserError(f"{out} is there already; give --out with a folder to make")
    if taken := _taken(name):
        raise UserError(f"{taken} already, which the new package would replace or hide; choose another name")
    kind = "".join(part.capitalize() for part in name.split("_"))
    template = files("verl_visual_rft.tasks").joinpath("template")
    content = {
        "pyproject.toml": _PYPROJECT.format(name=name, kind=kind, distribution=name.replace("_", "-")),
        f"{name}.py": template.joinpath(f"{_NAME}.py.txt").read_text("utf-8"),
        f"test_{name}.py": template.joinpath(f"test_{_NAME}.py.txt").read_text("utf-8"),
    }
    out.mkdir(parents=True)
    for file, text in content.items():
        (out / file).write_text(text.replace(_NAME, name).replace(_CLASS, kind), encoding="utf-8")
    return out


def _taken(name: str) -> str:
    """Say what has the name of the module or of the package that would be written; empty if nothing has."""
    if find_spec(name) is not None:
        return f"there is a Python module {name!r}"
    try:
        return f"the package {distribution(name).name} is installed"
    except PackageNotFoundError:
        return ""
