# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tasks of other packages, really laid out on the path and found by importlib.metadata."""

from __future__ import annotations

from pathlib import Path

import pytest
from task_package import lay_task

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.tasks import load_task, read_truth, task_names
from verl_visual_rft.tasks.registry import GROUP, task_package, unusable_tasks

pytestmark = pytest.mark.usefixtures("fresh_registry")
RESPONSE = "<think> it stands there </think> <answer>yes</answer>"


def test_ours_come_first_and_all_can_be_used() -> None:
    assert task_names()[:3] == ("detection", "classification", "grounding")
    assert unusable_tasks() == {}


def test_a_task_of_another_package_is_scored_by_robust_composed_and_guarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = lay_task(tmp_path, monkeypatch)
    assert name in task_names() and task_package(name) == name.replace("_", "-")
    assert score(name, RESPONSE, {"right": "yes"})["score"] == 1.5
    assert score(name, RESPONSE, {"right": "yes"}, "format=1")["score"] == 1.0
    robust = load_reward("robust")
    assert name in robust.guarded and "detection" not in robust.guarded and not robust.trusted
    assert score("classification", "<answer>rose</answer>", {"label": "rose"})["accuracy"] == 1.0


def test_a_reward_of_another_package_scores_it_by_a_method_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = lay_task(tmp_path, monkeypatch)
    reward = tmp_path / "own_reward"
    (reward / "own_reward-1.0.dist-info").mkdir(parents=True)
    (reward / "own_reward_of_tests.py").write_text(
        f"class Own:\n    def {name}(self, answer, truth):\n        return float(answer.word == truth.right)\n"
    )
    (reward / "own_reward-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
    (reward / "own_reward-1.0.dist-info/entry_points.txt").write_text(
        "[verl_visual_rft.rewards]\nown = own_reward_of_tests:Own\n"
    )
    monkeypatch.syspath_prepend(reward)
    assert score(name, RESPONSE, {"right": "yes"}, "own")["score"] == 1.0
    with pytest.raises(UserError, match=f"reward 'own' cannot score detection, only {name}"):
        score("detection", "", {"boxes": []}, "own")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"FORM = ": "1 / 0\nFORM = "}, "cannot be loaded: ZeroDivisionError"),
        ({"(Task[OwnTruth, OwnAnswer])": ""}, "is no task: it is no subclass"),
        ({'    name = "': '    name = "other_'}, "calls itself 'other_"),
        ({"def says(": "def said("}, "cannot be loaded: TypeError: .* abstract method says"),
        ({"def says(": "def said(", "def parse(": "def read("}, "abstract methods parse, says"),
    ],
)
def test_a_task_that_cannot_be_used_is_an_error_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], message: str
) -> None:
    name = f"own_broken_{abs(hash(message)) % 10**8}"
    kind = "".join(part.capitalize() for part in name.split("_"))
    changes = {
        old.replace("OwnTruth", f"{kind}Truth").replace("OwnAnswer", f"{kind}Answer"): new
        for old, new in changes.items()
    }
    lay_task(tmp_path, monkeypatch, changes, name)
    with pytest.raises(UserError, match=f"task '{name}' .*of package .*{message}"):
        load_task(name)
    assert list(unusable_tasks()) == [name]
    assert score("classification", "<answer>rose</answer>", {"label": "rose"})["accuracy"] == 1.0
    assert name not in load_reward("robust").scorers


def test_a_name_that_is_taken_is_an_error_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "thief-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: thief\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\ngrounding = thief:Task\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="more than one package names a task 'grounding': thief and verl-visual-rft"):
        read_truth("grounding", {"box": [0, 0, 1, 1]})
    assert read_truth("detection", {"boxes": []}).is_negative


def test_an_unknown_task_names_those_that_there_are() -> None:
    with pytest.raises(
        UserError,
        match=r"unknown task 'Detection' \(did you mean 'detection'\?\): use one of detection, classification",
    ):
        load_task("Detection")
