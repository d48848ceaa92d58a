# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of all tests."""

import gc
import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

from verl_visual_rft.rewards import registry
from verl_visual_rft.tasks import reading, sample
from verl_visual_rft.tasks import registry as tasks
from verl_visual_rft.training.run_mark import PLUGIN_MARK

# veRL, imported by tests and what they start, is to be as in a training of this package.
os.environ[PLUGIN_MARK] = "1"

# An example that takes long on a busy machine is no failure; speed is measured in benchmarks/.
settings.register_profile("change", deadline=None)
settings.register_profile("long", deadline=None, max_examples=2000)
settings.load_profile("change")


def pytest_configure():
    """Before any test module takes `compose` from Hydra."""
    if find_spec("hydra"):
        import compositions
        import hydra

        hydra.compose = compositions.compose
        compositions.OmegaConf.load = compositions.load


def pytest_collection():
    """Imports make much that stays: a collector that looks at all of it again and again takes a quarter of the time."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]):
    """Files with slow tests first: started last, one of them is all that goes on in the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish():
    gc.enable()
    gc.freeze()


def pytest_unconfigure():
    gc.unfreeze()


@pytest.fixture
def fresh_registry():
    """For tests that lay packages on the path: rewards and tasks are looked for once a process."""
    cached = (
        *(registry._discover, registry._load, registry._compose, registry.component_names),
        *(tasks._discover, tasks.load_task, reading._read_text, sample._parse),
    )
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose nvidia-smi, which is returned, lists two GPUs."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        '#!/bin/sh\n[ "$1" = -L ] && printf "GPU 0: NVIDIA A100 (UUID: a)\\nGPU 1: NVIDIA A100 (UUID: b)\\n"\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return tool
