# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Compositions that tests reuse are those that Hydra makes anew."""

import pytest

hydra = pytest.importorskip("hydra")
pytest.importorskip("verl")

import compositions  # noqa: E402
from hydra.errors import ConfigCompositionException  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402


@pytest.fixture
def ours():
    with hydra.initialize_config_module("verl_visual_rft.training.config", version_base=None):
        yield


def test_tests_reuse_them():
    assert hydra.compose is compositions.compose


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("visual_rft", []),
        ("visual_rft", ["device=cpu", "data.train_batch_size=3", "algo=dapo", "data.train_files=[a,b]"]),
        ("visual_rft", ["lora=on", "actor_rollout_ref.model.lora_rank=8", "+data.mine=1", "visual_rft.tau=curriculum"]),
        ("visual_sft", ["sft_device=cpu", "model.path=x", "optim.lr=2e-6"]),
    ],
)
def test_they_are_the_same(ours, name, overrides):
    expected = compositions.compose_anew(name, overrides)
    for _ in range(2):
        found = hydra.compose(name, overrides)
        assert OmegaConf.to_container(found) == OmegaConf.to_container(expected)
        found.trainer.total_training_steps = 99  # a copy


def test_a_key_that_is_none_is_refused_as_by_hydra(ours):
    messages = []
    for compose in (compositions.compose_anew, hydra.compose):
        with pytest.raises(ConfigCompositionException) as refused:
            compose("visual_rft", ["data.no_such=1"])
        messages.append(str(refused.value))
    assert messages[0] == messages[1]
