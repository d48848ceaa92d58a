# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of all tests."""

import gc
import os
from importlib.util import find_spec

import pytest
from hypothesis import settings

from verl_visual_rft.rewards import registry
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


def pytest_collection():
    """Imports make much that stays: a collector that looks at all of it again and again takes a quarter of the time."""
    gc.disable()


def pytest_collection_finish():
    gc.enable()
    gc.freeze()


def pytest_unconfigure():
    gc.unfreeze()


@pytest.fixture
def fresh_registry():
    """For tests that lay packages on the path: rewards and tasks are looked for once a process."""
    cached = (registry._discover, registry._load, registry._compose, registry.component_names)
    cached += (tasks._discover, tasks.load_task)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()
