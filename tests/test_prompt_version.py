# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A changed prompt needs a new version, or prepared rows and models of two prompts are mixed without a word."""

from __future__ import annotations

import hashlib
import inspect
import itertools
from collections.abc import Callable
from importlib import import_module

import pytest
from ours import OUR_TASKS

from verl_visual_rft.datasets.manifest import prompt_version
from verl_visual_rft.prompts import existence_prompt
from verl_visual_rft.tasks import load_task

#: By task, the version of its prompts and a digest of their texts.
DIGESTS = {
    "detection": ("1", "32ea89bd914ca81a"),
    "classification": ("1", "dba938fdd05fe262"),
    "grounding": ("1", "9c27b8920e2d823e"),
    "counting": ("1", "1395aded8e23bd7a"),
    "pointing": ("1", "f4068c45ca048bcb"),
    "labelled_detection": ("1", "ffc5bdc4ec5c1a5d"),
}
#: What the parameters of prompts are called, and a value for each.
VALUES = {
    "category": "traffic light",
    "instruction": "the cup that is nearest",
    "categories": ("cup", "traffic light"),
    "container": "photograph",
    "asked": "which flower it shows",
}
REMEDY = (
    "the prompt of {task} is not that of version {version}: raise prompt_version in "
    "verl_visual_rft/tasks/{task}/task.py, and record version and digest {digest} here"
)


def prompts_of(task: str) -> list[Callable[..., str]]:
    module = import_module(f"verl_visual_rft.tasks.{task}.prompt")
    return [
        made for name, made in sorted(vars(module).items()) if name.endswith("_prompt") and inspect.isfunction(made)
    ]


def digest(prompts: list[Callable[..., str]]) -> str:
    texts = []
    for prompt in prompts:
        names = inspect.signature(prompt).parameters
        switches = [name for name in names if name not in VALUES]
        for values in itertools.product((False, True), repeat=len(switches)):
            given = {name: VALUES[name] for name in names if name in VALUES}
            texts.append(prompt(**given, **dict(zip(switches, values, strict=True))))
    assert texts and all(texts)
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


@pytest.mark.parametrize("task", OUR_TASKS)
def test_a_changed_prompt_has_a_new_version(task: str) -> None:
    version, found = load_task(task).prompt_version, digest(prompts_of(task))
    assert (version, found) == DIGESTS[task], REMEDY.format(task=task, version=DIGESTS[task][0], digest=found)


def test_the_prompt_of_the_existence_stage_is_the_one_that_was_measured_with() -> None:
    assert digest([existence_prompt]) == "c22b70c65e98d5f1"


def test_a_prompt_of_one_task_that_changes_leaves_rows_of_others_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_task("grounding"), "prompt_version", "2", raising=False)
    assert prompt_version("detection") == "1"
    assert prompt_version("grounding") == "2"
    assert prompt_version("detection + grounding") == "1 + 2"
