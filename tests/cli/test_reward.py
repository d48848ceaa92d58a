# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from commands import Done, visual_rft

BOX = "{'Position': [0, 0, 100, 90], 'Confidence': 0.8}"
RESPONSE = f"<think> left </think> <answer>[{BOX}, {BOX}]</answer>"
TRUTH = '{"boxes": [[0, 0, 100, 100], [500, 500, 600, 600]]}'
EXPLAIN = ["explain", "--task", "detection"]


def reward(*arguments: str, stdin: str = "", columns: int = 200) -> Done:
    return visual_rft("reward", *arguments, stdin=stdin, COLUMNS=str(columns))


def lines_with(text: str, *words: str) -> list[str]:
    return [line for line in text.splitlines() if all(word in line for word in words)]


@pytest.mark.parametrize("columns", [80, 200])
def test_rewards_are_listed_with_their_ranges(columns: int) -> None:
    done = reward("list", columns=columns)
    assert done.returncode == 0
    for name in ("paper", "reference", "robust", "robust-1"):
        assert lines_with(done.stdout, name)
    assert lines_with(done.stdout, "robust ", "detection", "-0.5 to 3")
    assert lines_with(done.stdout, "detection", "0 to 3") and lines_with(done.stdout, "classification", "0 to 2")


def test_components_are_listed_on_request() -> None:
    listed = reward("list", "--components").stdout
    assert lines_with(listed, "iou", "0 to 1", "verl-visual-rft")
    assert not lines_with(listed, "robust")


def test_a_reward_that_cannot_be_loaded_is_listed_with_the_reason(broken_reward: dict[str, str]) -> None:
    everything = subprocess.run(
        ["visual-rft", "reward", "list"], env=broken_reward, capture_output=True, text=True, timeout=60
    )
    assert everything.returncode == 0
    assert lines_with(everything.stdout, "broken", "none") and lines_with(everything.stdout, "No module named")
    assert lines_with(everything.stdout, "paper", "0 to 3")
    named = subprocess.run(
        ["visual-rft", "reward", "list", "broken"], env=broken_reward, capture_output=True, text=True, timeout=60
    )
    assert named.returncode == 2 and "cannot be loaded" in named.stderr and not named.stdout


def test_a_name_that_two_packages_claim_is_listed_with_both_and_spoils_no_other(broken_reward: dict[str, str]) -> None:
    metadata = Path(broken_reward["PYTHONPATH"].split(os.pathsep)[0]) / "second_package-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: second-package\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[verl_visual_rft.rewards]\nbroken = other_module:Reward\n")
    everything = subprocess.run(
        ["visual-rft", "reward", "list"], env=broken_reward, capture_output=True, text=True, timeout=60
    )
    assert everything.returncode == 0
    assert lines_with(everything.stdout, "broken", "more than one package names") and lines_with(
        everything.stdout, "second-package"
    )
    assert lines_with(everything.stdout, "robust ", "verl-visual-rft")


@pytest.fixture
def broken_reward(tmp_path: Path) -> dict[str, str]:
    """The environment of a process with a package installed whose reward needs a module that is missing."""
    metadata = tmp_path / "broken_package-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-package\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[verl_visual_rft.rewards]\nbroken = no_such_module:Reward\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}


def test_a_detection_score_is_explained() -> None:
    done = reward(*EXPLAIN, "--response", RESPONSE, "--truth", TRUTH, "--reward", "paper")
    assert done.returncode == 0
    assert lines_with(done.stdout, "outcome", "well formed") and lines_with(done.stdout, "thinking", "left")
    assert lines_with(done.stdout, "0, 0, 100, 90", "0, 0, 100, 100", "0.900", "0.8")
    assert lines_with(done.stdout, "0, 0, 100, 90", "a miss") and lines_with(
        done.stdout, "500, 500, 600, 600", "not found"
    )
    assert lines_with(done.stdout, "iou", "0.4500", "sum of the IoU of the hits / number of predictions (Eq. 6)")
    assert lines_with(done.stdout, "score", "1.9500", "iou + confidence + format")


CLOSED = '{"label": "rose", "labels": ["rose", "tulip"]}'


def test_other_tasks_are_explained() -> None:
    grounding = reward(
        "explain", "--task", "grounding", "--response", "(0,0),(9,9)", "--truth", '{"box": [0, 0, 10, 10]}'
    )
    assert grounding.returncode == 0 and lines_with(grounding.stdout, "0, 0, 10, 10")
    response, truth = "<answer>tulip [bold]</answer>", '{"label": "rose"}'
    named = reward("explain", "--task", "classification", "--reward", "paper", "--response", response, "--truth", truth)
    closed = reward("explain", "--task", "classification", "--response", response, "--truth", CLOSED)
    assert closed.returncode == 0 and lines_with(closed.stdout, "tulip [bold]", "rose, one of 2 classes")
    assert named.returncode == 0 and lines_with(named.stdout, "tulip [bold]", "rose")


def test_response_and_truth_may_be_files_or_standard_input(tmp_path: Path) -> None:
    response, truth = tmp_path / "response.txt", tmp_path / "truth.json"
    response.write_text(RESPONSE)
    truth.write_text(TRUTH)
    given = reward(*EXPLAIN, "--response", RESPONSE, "--truth", TRUTH)
    assert given.returncode == 0
    assert reward(*EXPLAIN, "--response", f"@{response}", "--truth", f"@{truth}").stdout == given.stdout
    assert reward(*EXPLAIN, "--response", "-", "--truth", TRUTH, stdin=RESPONSE).stdout == given.stdout


@pytest.mark.parametrize(
    ("name", "task", "size", "status"),
    [
        ("robust", "classification", 40, 0),
        ("paper", "detection", 40, 1),
    ],
)
def test_an_audit_ends_with_1_if_a_cheat_wins(name: str, task: str, size: int, status: int) -> None:
    arguments = ["audit", name, "--task", task, "--size", str(size)]
    table, markdown = reward(*arguments), reward(*arguments, "--markdown")
    assert table.returncode == markdown.returncode == status, table.stderr
    assert lines_with(table.stdout, "honest") and lines_with(markdown.stdout, "| honest |")
    assert ("| beats honesty |" in markdown.stdout) == bool(status)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "nope"], "unknown reward 'nope': use one of "),
        ([*EXPLAIN, "--response", "a", "--truth", "{}"], "has no list under the key 'boxes'"),
        ([*EXPLAIN, "--response", "@no/such", "--truth", TRUTH], "--response @no/such: cannot read no/such"),
        (["explain", "--task", "dreaming", "--response", "a", "--truth", TRUTH], "unknown task 'dreaming'"),
        (["audit", "nope"], "unknown reward 'nope'"),
    ],
)
def test_a_mistake_of_the_user_gets_one_line_and_status_2(arguments: list[str], message: str) -> None:
    done = reward(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("visual-rft: error: ") and message in done.stderr
    assert "Traceback" not in done.stderr
