# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""docs/evaluation.md: its example runs as it stands and prints what the page says, and its options and keys exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "docs/evaluation.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the page's example was run; ``printed.txt`` holds what it printed."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "printed.txt").write_text(run(block("visual-rft data fake"), folder), encoding="utf-8")
    return folder


def block(containing: str, language: str = "bash") -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return next(code for code in blocks if containing in code)


def run(commands: str, folder: Path) -> str:
    tools = f'visual-rft() {{ "{sys.executable}" -c "from verl_visual_rft.cli import main; main()" "$@"; }}\n'
    tools += f'python() {{ "{sys.executable}" "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", tools + commands],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(REPOSITORY), "COLUMNS": "100"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_example_prints_what_the_page_says(checkout: Path) -> None:
    printed = (checkout / "printed.txt").read_text(encoding="utf-8")
    for line in block("accuracy, 20 pictures", "text").splitlines():
        assert words(line) in words(printed), line


def test_the_table_of_the_example_is_the_page_s(checkout: Path) -> None:
    printed = run(block("--table 2 --shots 4"), checkout)
    for line in block("| Flower102", "text").splitlines():
        assert line in printed


def test_every_key_of_the_metrics_stands_on_the_page(checkout: Path) -> None:
    metrics = json.loads((checkout / "run/eval/base/metrics.json").read_text())
    table = PAGE[PAGE.index("## metrics.json") : PAGE.index("## Warnings")]
    assert {key for key in metrics if f"`{key}`" not in table} == set()


def test_every_option_of_the_page_exists() -> None:
    commands = ("predict", "eval", "segment", "report")
    known = "".join(run(f"visual-rft {command} --help", REPOSITORY) for command in commands)
    foreign = {
        "--generation-config",
        "--family",
        "--boxes",
        "--root",
        "--shots",
        "--val-pairs",
    }  # of vLLM and data_prep
    assert {option for option in re.findall(r"--[a-z][a-z-]+", PAGE) if option not in known} <= foreign
