# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import doctest
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from verl_visual_rft.rewards import reward_names
from verl_visual_rft.rewards.registry import component_names

PACKAGE = Path(__file__).parents[1] / "examples" / "counting_reward"
SCORE = """
import json, sys
from verl_visual_rft.rewards import score

print(json.dumps([score(*arguments)["score"] for arguments in json.load(sys.stdin)]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that has the example package installed, by pip and for real."""
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--no-index", str(PACKAGE)], check=True, timeout=120)
    return {**os.environ, "PYTHONPATH": str(target)}


def run(command: list[str], environment: dict[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, timeout=60)


def test_without_the_package_there_is_no_such_reward() -> None:
    done = run(["visual-rft", "reward", "list", "counting"], dict(os.environ))
    assert done.returncode == 2 and "unknown reward 'counting'" in done.stderr


def test_an_installed_reward_is_listed_with_its_package(installed: dict[str, str]) -> None:
    done = run(["visual-rft", "reward", "list"], {**installed, "COLUMNS": "200"})
    (line,) = [line for line in done.stdout.splitlines() if "counting" in line]
    assert "counting-reward" in line and "0 to 1" in line and "Pays for the right number of boxes" in line


def test_an_installed_reward_explains_itself(installed: dict[str, str]) -> None:
    truth = '{"boxes": [[0, 0, 100, 100]]}'
    explain = ["visual-rft", "reward", "explain", "--task", "detection", "--reward", "counting", "--truth", truth]
    done = run([*explain, "--response", "-"], {**installed, "COLUMNS": "200"}, stdin="No Objects")
    assert done.returncode == 0 and "min(n, m) / max(n, m)" in done.stdout


def test_an_installed_reward_scores_alone_and_composed(installed: dict[str, str]) -> None:
    box = "{'Position': [0, 0, 100, 100], 'Confidence': 1}"
    two = {"boxes": [[0, 0, 100, 100], [500, 500, 600, 600]]}
    response, nothing = f"<think> left </think> <answer>[{box}]</answer>", "<answer>No Objects</answer>"
    requests = [
        ("detection", response, two, "counting"),
        ("detection", nothing, {"boxes": []}, "counting"),
        ("detection", "?", {"boxes": []}, "counting"),
        ("detection", response, two, "format=1,counting=0.5"),
    ]
    done = run([sys.executable, "-c", SCORE], installed, stdin=json.dumps(requests))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [0.5, 1.0, 0.0, 1.25]


def test_the_user_page_holds_what_it_says() -> None:
    page = PACKAGE.parents[1] / "docs" / "rewards.md"
    failed, attempted = doctest.testfile(str(page), module_relative=False)
    assert attempted >= 4 and not failed
    text = page.read_text()
    unnamed = [name for name in [*reward_names(), *component_names()] if f"`{name}`" not in text]
    assert not unnamed, "docs/rewards.md does not name them"
