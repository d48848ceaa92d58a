# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The rooms of the package: what may know what."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import verl_visual_rft
from verl_visual_rft.tasks import task_names

PACKAGE = Path(verl_visual_rft.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}
#: Rooms from the ground up: a module imports, while it is loaded, from rooms below its own or beside it.
STOREYS = (
    ("errors", "boxes", "labels", "input_files", "image_files", "coordinates", "prompts", "atomic", "locks", "gpus"),
    ("packages", "terminal", "progress", "pages", "vision_tokens", "chat_templates", "contract"),
    ("answers",),
    ("tasks",),
    ("rewards",),
    ("datasets",),
    ("evaluation",),
    ("miniature",),
    ("training",),
    ("launching",),
    ("planning", "plugin"),
    ("runs",),
    ("doctor",),
    ("cli", "__init__", "__main__"),
)
#: What a task names by dotted path is loaded when it is used, and may know the room that uses it.
HEAVY = re.compile(r"tasks\.\w+\.(metrics|existence)\b")
#: Readers of one data set, recipes of the paper and its existence stage make questions of one task.
OF_ONE_TASK = re.compile(
    r"datasets\.(readers\.|sets\.|detection$|labelled$|few_shot$|classification$)|evaluation\.(existence(\.\w+)?|sam)$"
    r"|miniature\.|rewards\.audit\.truth_files$"
)


def storey(module: str) -> int:
    room = module.split(".")[0]
    return next(level for level, rooms in enumerate(STOREYS) if room in rooms)


def imported(tree: ast.Module) -> list[str]:
    """Our modules that a module imports while it is loaded, for other reasons than types."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("verl_visual_rft."):
            found.append((node.module or "").removeprefix("verl_visual_rft."))
        elif isinstance(node, ast.ImportFrom) and node.module == "verl_visual_rft":
            found += [alias.name for alias in node.names if not alias.name.startswith("__")]
    return found


@pytest.mark.parametrize("module", MODULES)
def test_arrows_point_downwards(module: str) -> None:
    if HEAVY.match(module):
        return
    upwards = [other for other in imported(MODULES[module]) if storey(other) > storey(module)]
    assert not upwards, f"{module} imports {', '.join(upwards)}"


@pytest.mark.parametrize("module", MODULES)
def test_nothing_outside_tasks_asks_which_task_it_is(module: str) -> None:
    if module.startswith("tasks.") or OF_ONE_TASK.match(module):
        return
    asked = []
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Compare | ast.Dict | ast.Match | ast.Set):
            texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
            asked += [f"line {node.lineno}: {text}" for text in texts if text in task_names()]
        if isinstance(node, ast.ImportFrom) and re.match(
            rf"verl_visual_rft\.tasks\.({'|'.join(task_names())})\b", node.module or ""
        ):
            asked.append(f"line {node.lineno}: {node.module}")
    assert not asked, f"{module}: {asked}"
