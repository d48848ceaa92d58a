# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The check of a run that is started without a recipe."""

import types

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.planning.hook import check_before_training
from verl_visual_rft.plugin import EXTENSIONS
from verl_visual_rft.training.pretraining import TINY_MODEL

MODEL = f"actor_rollout_ref.model.path={TINY_MODEL}"


@pytest.fixture
def start():
    """The first call of veRL's trainers, as the plug-in changes it: on a module that only notes that it was called."""
    pytest.importorskip("verl")
    from hydra import compose, initialize_config_module

    called = []
    device = types.ModuleType("device")
    device.auto_set_device = called.append
    check_before_training(device)

    def call(config_module, name, *overrides):
        with initialize_config_module(config_module, version_base=None):
            config = compose(name, list(overrides))
        device.auto_set_device(config)
        return called == [config]

    return call


def test_a_run_of_ours_is_checked_before_anything_else(start):
    assert start("verl_visual_rft.training.config", "visual_rft", "device=cpu", MODEL)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.max_response_length=9000", "more than the 4096 positions"),
        ("trainer.n_gpus_per_node=3", "cannot be divided among 3 ranks"),
        ("actor_rollout_ref.model.path=/nowhere", "model /nowhere: no such folder"),
    ],
)
def test_a_run_of_ours_that_cannot_work_is_refused(override, message, start):
    with pytest.raises(UserError, match=message):
        start("verl_visual_rft.training.config", "visual_rft", "device=cpu", MODEL, override)


def test_a_run_of_verl_that_is_not_ours_is_left_alone(start):
    assert start("verl.trainer.config", "ppo_trainer", "actor_rollout_ref.model.path=/nowhere")


def test_the_plug_in_installs_the_check():
    hooks = {extension.function: extension.after for extension in EXTENSIONS}
    assert hooks["verl_visual_rft.planning.hook:check_before_training"] == "verl.utils.device"
