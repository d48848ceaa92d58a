# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Our configuration runs in our trainer; that of another one, and what only others read, is refused."""

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.training import modes
from verl_visual_rft.training.modes import check_trainer_mode

hydra = pytest.importorskip("hydra")
pytest.importorskip("verl")

#: A run of veRL's own trainer, sampler and agent loop on our configuration, as end-to-end tests compare with.
PLAIN = [
    "trainer.v1.sampler.custom_sampler.path=null",
    "actor_rollout_ref.rollout.agent.agent_loop_manager_class=null",
    "algorithm.adv_estimator=grpo",
]


@pytest.fixture(scope="module")
def defaults():
    with hydra.initialize_config_module("verl_visual_rft.training.config", version_base=None):
        return hydra.compose("visual_rft")


@pytest.fixture
def composed(defaults):
    from omegaconf import OmegaConf

    def compose(*settings):
        config = OmegaConf.unsafe_merge(defaults.copy(), OmegaConf.from_dotlist(list(settings)))
        return OmegaConf.to_container(config)

    return compose


@pytest.mark.parametrize("override", ["colocate_async", "separate_async", "sync", "visual-rft", "null"])
def test_another_trainer_is_refused_with_the_parts_that_need_ours(override, composed):
    config = composed(f"trainer.v1.trainer_mode={override}")
    with pytest.raises(UserError, match=r"custom_sampler.path, .*agent_loop_manager_class .*trainer_mode=visual_rft,"):
        check_trainer_mode(config)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["trainer.use_v1=false"], "^trainer.use_v1=false selects another trainer than ours"),
        (
            [*PLAIN, "trainer.v1.trainer_mode=sync", "algorithm.adv_estimator=visual_rft_gdpo"],
            "algorithm.adv_estimator of",
        ),
    ],
)
def test_so_are_the_legacy_trainer_and_an_advantage_that_is_ours_alone(settings, message, composed):
    with pytest.raises(UserError, match=message):
        check_trainer_mode(composed(*settings))


@pytest.mark.parametrize("mode", ["sync", "colocate_async", "separate_async"])
def test_trainers_of_verl_with_parts_of_verl_are_left_alone(mode, composed):
    check_trainer_mode(composed(*PLAIN, f"trainer.v1.trainer_mode={mode}"))


@pytest.mark.parametrize(
    "override",
    [
        "trainer.v1.colocate_async.num_warmup_batches=2",
        "trainer.v1.separate_async.parameter_sync_step=1",
        "trainer.v1.separate_async.hybrid_rollout.enable_switch=true",
        "trainer.v1.sampler.max_off_policy_threshold=null",
        "trainer.v1.sampler.max_off_policy_strategy=wait",
        "trainer.v1.sampler.sync_refill_failed_groups=true",
        "algorithm.filter_groups.max_inflight_gen_batches=2",
        "actor_rollout_ref.hybrid_engine=false",
        "actor_rollout_ref.rollout.nnodes=1",
    ],
)
def test_what_only_other_trainers_read_is_refused(override, composed):
    with pytest.raises(UserError, match=f"^{override.partition('=')[0]}: only veRL's own trainers read this"):
        check_trainer_mode(composed(override))


def test_the_defaults_are_those_of_verl():
    with hydra.initialize_config_module("verl.trainer.config", version_base=None):
        config = hydra.compose("ppo_trainer")
    missing = object()
    assert {key: modes._value(config, key, missing) for key in modes._OF_OTHER_TRAINERS} == modes._OF_OTHER_TRAINERS
