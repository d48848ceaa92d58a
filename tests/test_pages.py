# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What pages say of others: docs/upstream.md names tests that there are, README.md what docs/audit.md counts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")]
#: A test with its file, or a file alone, or a test of the file before it.
NAMED = re.compile(r"((?:tests/[\w/]+/|tests/|\b)test_\w+\.py)(?:::(test_\w+))?|`(test_\w+)`")
NUMBERS = {0: "none", 5: "five", 32: "thirty-two"}


def named_tests() -> list[tuple[str, str]]:
    """File, and test or nothing, of each that docs/upstream.md names."""
    named, file = [], ""
    for match in NAMED.finditer((ROOT / "docs/upstream.md").read_text(encoding="utf-8")):
        file = match[1] or file
        named.append((file, match[2] or match[3] or ""))
    return named


def test_every_test_that_the_page_of_upstream_names_exists() -> None:
    named = named_tests()
    assert len(named) > 50
    for name, test in named:
        files = [file for file in FILES if f"/{file}".endswith(f"/{name}")]
        assert files, name
        texts = [(ROOT / file).read_text(encoding="utf-8") for file in files]
        assert not test or any(f"def {test}(" in text for text in texts), f"{name}::{test}"


@pytest.mark.parametrize("reward", ["paper", "reference", "robust"])
def test_the_readme_counts_the_cheats_that_the_audit_found(reward: str) -> None:
    audit, readme = ((ROOT / page).read_text(encoding="utf-8") for page in ("docs/audit.md", "README.md"))
    tasks = ["detection", "classification", "grounding", "counting", "pointing", "labelled_detection"]
    found = re.findall(
        rf"^### {reward}, ({'|'.join(tasks)}): (\d+) of \d+ cheats.*built-in truths", audit, re.MULTILINE
    )
    assert len(found) == (6 if reward == "robust" else 3)
    said = NUMBERS[sum(int(cheats) for _, cheats in found)]
    assert re.search(rf"{said} (cheats\s+beat the moderate policy )?under `{reward}`", readme)
