# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""docs/checks.md: every module and test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "docs/checks.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| kind ")
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0])
def test_home_and_tests_exist(line: list[str]) -> None:
    _, home, rule, tests = line
    assert rule
    assert all((ROOT / "verl_visual_rft" / name).exists() or (ROOT / name).is_dir() for name in _names(home)), home
    for name in _names(tests):
        path, _, function = name.partition("::")
        assert re.search(rf"^def {function or 'test_'}", (ROOT / "tests" / path).read_text(), re.MULTILINE), name


def _names(cell: str) -> list[str]:
    names = re.findall(r"`([^`]+)`", cell)
    assert names
    return names
