# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import doctest
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest
from commands import data_prep, visual_rft
from ours import OUR_COMPONENTS
from PIL import Image

from verl_visual_rft.errors import UserError
from verl_visual_rft.prompts import with_thinking
from verl_visual_rft.rewards import load_reward, reward_names, score
from verl_visual_rft.rewards.audit import audit
from verl_visual_rft.tasks import load_task, make_sample, read_truth, task_names
from verl_visual_rft.tasks.metrics import metrics_of

REPOSITORY = Path(__file__).parents[1]
EXAMPLES = REPOSITORY / "examples"
#: Answers to the three validation questions about what is nearer: right in its form, right without tags, neither side.
ANSWERS = ("<think> It hides the other. </think> <answer>right</answer>", "Left.", "<answer>both</answer>")
SCORE = """
import json, sys
from verl_visual_rft.rewards import score

print(json.dumps([score(*arguments)["score"] for arguments in json.load(sys.stdin)]))
"""


def install(package: str, target: Path) -> dict[str, str]:
    """The environment of a process that has an example package installed, by pip and for real."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(target)]
    offline = ["--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, *offline, str(EXAMPLES / package)], check=True, timeout=120)
    return {**os.environ, "PYTHONPATH": str(target)}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return install("counting_reward", tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def with_task(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return install("nearer_task", tmp_path_factory.mktemp("site"))


@pytest.fixture
def with_task_here(
    with_task: dict[str, str], monkeypatch: pytest.MonkeyPatch, fresh_registry: None
) -> Iterator[ModuleType]:
    """The example's module, its task installed in this process."""
    monkeypatch.syspath_prepend(with_task["PYTHONPATH"])
    yield importlib.import_module("nearer_task")
    sys.modules.pop("nearer_task")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six pictures of two things each, half of them for validation, and the answers to these."""
    (tmp_path / "photos").mkdir()
    lines = []
    for number in range(6):
        Image.new("RGB", (120, 80), (40 * number, 90, 120)).save(tmp_path / f"photos/{number}.png")
        question = {"task": "nearer", "left": "cup", "right": "pen", "nearer": ("left", "right")[number % 2]}
        lines.append(json.dumps({"image": f"photos/{number}.png", **question}))
    (tmp_path / "train.jsonl").write_text("\n".join(lines[:3]))
    (tmp_path / "val.jsonl").write_text("\n".join(lines[3:]))
    saved = [{"image_id": f"photos/{3 + n}.png", "index": n, "response": ANSWERS[n]} for n in range(3)]
    (tmp_path / "saved.jsonl").write_text("\n".join(map(json.dumps, saved)))
    return tmp_path


def run(command: list[str], environment: dict[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("page", ["README.md", "docs/rewards.md", "examples/counting_reward/counting_reward.py"])
@pytest.mark.parametrize(
    ("answer", "boxes", "paid"),
    [
        ("asdf", 0, 0.0),
        ("", 0, 0.0),
        ("[{'Position': [1, 2, 3, 4000], 'Confidence': 1}]", 0, 0.0),
        ("There may be one.", 0, 0.0),
        ("No Objects", 0, 1.0),
        ("[]", 0, 1.0),
        ("No Objects", 1, 0.0),
        ("asdf", 1, 0.0),
        ("[{'Position': [1, 2, 30, 40], 'Confidence': 1}]", 1, 1.0),
        ("[{'Position': [1, 2, 30, 40], 'Confidence': 1}]", 2, 0.5),
    ],
)
def test_the_reward_that_pages_show_pays_for_no_text(page: str, answer: str, boxes: int, paid: float) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    shown = re.findall(r"```python\n(.*?)```", text, re.DOTALL) if page.endswith(".md") else [text]
    (code,) = (block for block in shown if "class Counting" in block)
    space: dict[str, Any] = {}
    exec(code, space)
    truth = read_truth("detection", {"boxes": [[10 * n, 0, 10 * n + 5, 5] for n in range(boxes)]})
    parsed = load_task("detection").parse(f"<think> a </think> <answer>{answer}</answer>", (1000, 1000), True)
    assert space["Counting"]().detection(parsed, truth) == paid


@pytest.mark.skipif("counting" in reward_names(), reason="the example is installed")
def test_without_the_package_there_is_no_such_reward() -> None:
    done = run(["visual-rft", "reward", "list", "counting"], dict(os.environ))
    assert done.returncode == 2 and "unknown reward 'counting'" in done.stderr


def test_an_installed_reward_is_listed_with_its_package(installed: dict[str, str]) -> None:
    done = run(["visual-rft", "reward", "list"], {**installed, "COLUMNS": "200"})
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  counting ")]
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


def test_the_example_of_a_task_is_one_short_file() -> None:
    sources = sorted((EXAMPLES / "nearer_task").glob("*.py"))
    assert sum(len(path.read_text().splitlines()) for path in sources) <= 150


@pytest.mark.skipif("nearer" in task_names(), reason="the example is installed")
def test_without_the_package_there_is_no_such_task(folder: Path) -> None:
    done = data_prep("custom.py", "--jsonl", folder / "train.jsonl", "--out", folder / "data")
    assert done.returncode == 2 and "'task' is 'nearer', not one of detection, " in done.stderr


def test_an_installed_task_is_explained_by_the_command(with_task: dict[str, str]) -> None:
    explain = ["visual-rft", "reward", "explain", "--task", "nearer", "--truth", '{"nearer": "left"}']
    done = run([*explain, "--response", ANSWERS[1]], {**with_task, "COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    assert all(said in done.stdout for said in ("no answer tags", "2.0000", "2 nearer + 0.5 format"))


def test_an_installed_task_goes_from_json_lines_to_the_report(with_task_here: ModuleType, folder: Path) -> None:
    data, run_folder = folder / "data", folder / "run"
    predictions, metrics = run_folder / "eval/base/predictions.jsonl", run_folder / "eval/base/metrics.json"
    lines = ("--jsonl", folder / "train.jsonl", "--val-jsonl", folder / "val.jsonl")
    for done in (
        data_prep("custom.py", *lines, "--name", "nearer", "--out", data),
        visual_rft("data", "validate", *sorted(data.glob("*.parquet"))),
        visual_rft("data", "view", data / "train.parquet", "--out", folder / "view.html"),
        visual_rft(
            *("predict", "--engine", "replay", "--responses", folder / "saved.jsonl"),
            *("--data", data / "val.parquet", "--out", predictions),
        ),
        visual_rft("eval", predictions, "--data", data, "--out", metrics),
        visual_rft("report", run_folder),
    ):
        assert done.returncode == 0, done.stderr
    rows = pq.read_table(data / "sft_train.parquet").to_pylist()
    assert [row["ability"] for row in rows] == ["nearer"] * 3
    assert rows[1]["reward_model"]["ground_truth"] == '{"nearer": "right"}'
    assert "the cup on the left or the pen on the right?" in rows[1]["prompt"][0]["content"]
    assert rows[1]["messages"][-1]["content"] == "<answer>right</answer>"
    assert "the cup on the left or the pen on the right" in (folder / "view.html").read_text()
    measured = json.loads(metrics.read_text())
    assert (measured["task"], measured["n"], measured["failed"], measured["reward"]) == ("nearer", 3, 1, 1.5)
    assert measured["accuracy"]["value"] == pytest.approx(200 / 3)
    assert measured["outcomes"] == {"malformed": 1, "repaired": 1, "well_formed": 1}
    assert json.loads((run_folder / "summary.json").read_text())["rows"]["base"]["reward"] == 1.5
    assert "neither side" in (run_folder / "report.html").read_text()


def test_the_installed_task_keeps_the_contract(with_task_here: ModuleType) -> None:
    task = load_task("nearer")
    for side in ("left", "right"):
        truth = read_truth("nearer", {"nearer": side})
        assert read_truth("nearer", truth.solution) == truth
        gold = with_thinking(truth.solution, "It hides the other.")
        assert task.says(task.parse(gold, truth.extent, True), truth)
        assert score("nearer", gold, {"nearer": side})["score"] == load_reward("robust").ranges["nearer"][1] == 2.5
        assert score("nearer", "", {"nearer": side})["score"] == 0
        assert task.marks(task.parse("<answer>both</answer>", truth.extent, True)) == ()
        result, weights = score("nearer", gold, {"nearer": side}), load_reward("robust").weights_of("nearer")
        assert sum(weight * result[name] for name, weight in weights.items()) == result["score"]
        samples = [("", make_sample("nearer", gold, {"nearer": side}))]
        assert metrics_of(task).quick(samples) == {"nearer_accuracy": 100.0}
    with pytest.raises(UserError, match="'nearer'.*; give"):
        read_truth("nearer", {"nearer": "middle"})
    for seed in range(3):
        (contest,) = audit("robust", ["nearer"], seed=seed).contests
        assert not contest.beaten


def test_the_user_page_holds_what_it_says() -> None:
    page = REPOSITORY / "docs" / "rewards.md"
    failed, attempted = doctest.testfile(str(page), module_relative=False)
    assert attempted >= 4 and not failed
    text = page.read_text()
    unnamed = [
        name for name in ["paper", "reference", "robust", "robust-1", *OUR_COMPONENTS] if f"`{name}`" not in text
    ]
    assert not unnamed, "docs/rewards.md does not name them"
