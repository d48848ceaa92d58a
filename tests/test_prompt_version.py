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

from verl_visual_rft.prompts import PROMPT_VERSION, existence_prompt

#: By task, of the texts of its prompts, and the version that they belong to.
DIGESTS = {
    "1": {
        "detection": "32ea89bd914ca81a",
        "classification": "dba938fdd05fe262",
        "grounding": "9c27b8920e2d823e",
        "counting": "1395aded8e23bd7a",
        "pointing": "f4068c45ca048bcb",
        "labelled_detection": "ffc5bdc4ec5c1a5d",
        "existence": "c22b70c65e98d5f1",
    }
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
    "the prompt of {task} is not that of version {version}: raise PROMPT_VERSION in verl_visual_rft/prompts.py, and "
    "record all digests here under the new version"
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


@pytest.mark.parametrize("task", [*OUR_TASKS, "existence"])
def test_a_changed_prompt_has_a_new_version(task: str) -> None:
    prompts = [existence_prompt] if task == "existence" else prompts_of(task)
    recorded = DIGESTS.get(PROMPT_VERSION, {}).get(task)
    assert digest(prompts) == recorded, REMEDY.format(task=task, version=PROMPT_VERSION)
