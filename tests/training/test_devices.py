# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the configuration of a GPU says, and what veRL makes of it."""

import pickle

import pytest

pytest.importorskip("verl")
pytest.importorskip("torch")

import forks  # noqa: E402
import resolve_config  # noqa: E402
from hydra import compose, initialize_config_module  # noqa: E402
from verl.utils.config import omega_conf_to_dataclass  # noqa: E402


def composed(name, *overrides):
    with initialize_config_module("verl_visual_rft.training.config", version_base=None):
        return compose(name, [*overrides])


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_every_engine_is_fsdp2(device):
    config = composed("visual_rft", f"device={device}").actor_rollout_ref
    assert (config.actor.strategy, config.ref.strategy) == ("fsdp2", "fsdp2")
    # veRL's dataclass hands the actor's strategy to the engine.
    assert omega_conf_to_dataclass(config.actor).engine.strategy == "fsdp2"
    engine = omega_conf_to_dataclass(composed("visual_sft", f"sft_device={device}").engine)
    assert engine.strategy == "fsdp2"


def test_on_a_gpu_sequences_are_packed_in_dynamic_batches_and_computed_in_bfloat16():
    config = composed("visual_rft").actor_rollout_ref
    assert config.model.use_remove_padding
    assert config.actor.use_dynamic_bsz
    assert config.rollout.log_prob_use_dynamic_bsz and config.ref.log_prob_use_dynamic_bsz
    sft = composed("visual_sft")
    assert sft.model.use_remove_padding and sft.data.use_dynamic_bsz
    for engine in (config.actor.fsdp_config, config.ref.fsdp_config, sft.engine):
        assert (engine.dtype, engine.model_dtype, engine.get("mixed_precision")) == ("bfloat16", "fp32", None)
        assert not (engine.param_offload or engine.optimizer_offload or engine.offload_policy)


def test_a_dynamic_batch_holds_so_many_of_the_longest_sequences_whatever_their_length():
    lengths = ["data.max_prompt_length=2000", "data.max_response_length=3000"]
    config = composed("visual_rft", *lengths).actor_rollout_ref
    assert config.actor.ppo_max_token_len_per_gpu == 8 * 5000
    assert config.ref.log_prob_max_token_len_per_gpu == config.rollout.log_prob_max_token_len_per_gpu == 8 * 5000
    assert composed("visual_sft", "data.max_length=3000").data.max_token_len_per_gpu == 4 * 3000


def test_the_process_of_the_trainer_can_compute_them_too(tmp_path):
    """Ray brings it the configuration as it is; veRL resolves it there (trainer/main_ppo.py:145)."""
    (tmp_path / "config.pkl").write_bytes(pickle.dumps(composed("visual_rft")))
    forks.run(resolve_config.resolve, tmp_path / "config.pkl", tmp_path / "resolved.pkl")
    resolved = pickle.loads((tmp_path / "resolved.pkl").read_bytes())
    assert resolved["actor_rollout_ref"]["actor"]["ppo_max_token_len_per_gpu"] == 8 * (1024 + 512)
