# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace

import pytest

from verl_visual_rft.gpus import GPUS
from verl_visual_rft.miniature.pretraining import TINY_MODEL
from verl_visual_rft.planning.knobs import helpful_knobs
from verl_visual_rft.planning.memory import estimate_memory, largest_micro_batch
from verl_visual_rft.planning.models import load_model
from verl_visual_rft.planning.settings import UPDATE

A100, RTX4090 = GPUS["a100-80g"], GPUS["rtx4090-24g"]
QWEN = load_model("Qwen/Qwen2-VL-2B-Instruct")
PIXELS = 401408
BUCKET = "actor_rollout_ref.rollout.checkpoint_engine.update_weights_bucket_megabytes"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "ranks"),
    [
        pytest.param([], 2, marks=pytest.mark.long),
        (["visual_rft.freeze_vision=true"], 1),
        pytest.param(["lora=on"], 1, marks=pytest.mark.long),
    ],
)
def test_weights_gradients_and_optimizer_are_to_the_byte_what_verls_engine_holds(overrides, ranks, grpo, tmp_path):
    pytest.importorskip("torch")
    import engine_bytes
    import forks

    settings = grpo("device=cpu", f"trainer.n_gpus_per_node={ranks}", *overrides)
    update = estimate_memory(settings, load_model(str(TINY_MODEL)), A100, PIXELS).phases["update"]
    planned = {part: update[part] for part in ("weights", "gradients", "optimizer")}
    said = [f"trainer.n_gpus_per_node={ranks}", *overrides]
    ended = forks.run_ranks(ranks, engine_bytes.main, str(TINY_MODEL), said, tmp_path)
    assert [rank.status for rank in ended] == [0] * ranks, ended
    assert [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(ranks)] == [planned] * ranks


def test_the_state_of_the_paper_s_model_on_one_gpu_is_16_bytes_a_parameter(grpo):
    update = estimate_memory(grpo("trainer.n_gpus_per_node=1"), QWEN, A100, PIXELS).phases["update"]
    assert sum(update[part] for part in ("weights", "gradients", "optimizer")) == 16 * 2_208_985_600


def test_sharding_divides_the_state_and_offloading_moves_it_to_main_memory(grpo):
    one, eight = (estimate_memory(grpo(f"trainer.n_gpus_per_node={n}"), QWEN, A100, PIXELS) for n in (1, 8))
    assert eight.phases["update"]["optimizer"] == one.phases["update"]["optimizer"] / 8
    fsdp = "actor_rollout_ref.actor.fsdp_config"
    offloaded = estimate_memory(
        grpo(f"{fsdp}.param_offload=true", f"{fsdp}.optimizer_offload=true"), QWEN, A100, PIXELS
    )
    assert offloaded.phases["rollout"]["weights"] == offloaded.phases["rollout"]["optimizer"] == 0
    assert offloaded.phases["update"] == eight.phases["update"]  # it comes back for the update
    assert offloaded.host == eight.host + sum(eight.phases["rollout"][part] for part in ("weights", "optimizer"))


def test_vllm_takes_its_share_whatever_the_model(grpo):
    rollout = estimate_memory(grpo(), QWEN, A100, PIXELS).phases["rollout"]
    served = sum(rollout[part] for part in ("vLLM weights", "vLLM work", "KV cache"))
    assert served == pytest.approx(0.5 * A100.memory)


def test_an_adapter_has_no_second_model(grpo):
    adapter = estimate_memory(grpo("lora=on"), QWEN, A100, PIXELS)
    assert adapter.host == 0
    assert (
        adapter.phases["update"]["gradients"]
        < 0.02 * estimate_memory(grpo(), QWEN, A100, PIXELS).phases["update"]["gradients"]
    )


def test_no_cache_for_one_answer_does_not_fit(grpo):
    tight = estimate_memory(grpo("actor_rollout_ref.rollout.gpu_memory_utilization=0.09"), QWEN, A100, PIXELS)
    assert tight.cached_answers == 0
    assert max(tight.peaks.values()) < A100.memory
    assert not tight.fits(A100)


def test_a_pass_for_log_probs_counts_where_a_run_makes_one(grpo):
    no_reference, two_updates = (
        "actor_rollout_ref.actor.use_kl_loss=false",
        "actor_rollout_ref.actor.ppo_mini_batch_size=8",
    )
    large = f"actor_rollout_ref.rollout.log_prob_max_token_len_per_gpu={16 * 1536}"  # twice the reference's

    def logits(*overrides):
        return estimate_memory(grpo(large, *overrides), QWEN, A100, PIXELS).phases.get("log-probs", {}).get("logits")

    assert logits(no_reference) is None
    assert logits(no_reference, two_updates) == logits(two_updates) == 2 * logits()
    assert logits("lora=on") == logits(two_updates)  # the reference is the actor, in its micro-batches


def test_a_dynamic_batch_is_full_of_tokens_and_may_have_more_pictures_than_longest_sequences(grpo):
    def largest(*overrides):
        return largest_micro_batch(grpo(*overrides), UPDATE, QWEN, PIXELS)

    longest, picture = 1024 + 512, PIXELS // 14**2
    assert largest("actor_rollout_ref.actor.use_dynamic_bsz=false") == (4 * longest, 4 * picture)
    limit = ["actor_rollout_ref.actor.ppo_max_token_len_per_gpu=5000"]
    assert largest(*limit) == (5000, 5000 // (picture // 4) * picture)
    shared = [*limit, "actor_rollout_ref.actor.ulysses_sequence_parallel_size=2"]  # two compute twice as much together
    assert largest(*shared) == (5000, 2 * 5000 // (picture // 4) * picture)
    few = ["trainer.nnodes=8"]  # two sequences a GPU
    assert largest(*few) == (2 * longest, 2 * picture)


def test_the_weights_go_to_vllm_through_a_bucket(grpo):
    plain, small = (
        estimate_memory(grpo(*overrides), QWEN, A100, PIXELS).phases["weight sync"]
        for overrides in ([], [f"{BUCKET}=512"])
    )
    assert plain["bucket"] == 2048 * 2**20
    assert small == plain | {"bucket": 512 * 2**20}


def test_the_bucket_is_a_knob_where_the_weights_sync_is_what_does_not_fit(grpo):
    settings = grpo("lora=on", "trainer.n_gpus_per_node=1", f"{BUCKET}=16384")
    memory = estimate_memory(settings, QWEN, RTX4090, PIXELS)
    assert max(memory.peaks, key=memory.peaks.get) == "weight sync" and not memory.fits(RTX4090)
    assert f"{BUCKET}=4096" in {knob.setting for knob in helpful_knobs(settings, QWEN, RTX4090, PIXELS, memory)}


def test_every_knob_helps_as_it_says_and_none_breaks_the_settings(grpo):
    settings = grpo("trainer.n_gpus_per_node=1")
    memory = estimate_memory(settings, QWEN, RTX4090, PIXELS)
    assert not memory.fits(RTX4090)
    knobs = helpful_knobs(settings, QWEN, RTX4090, PIXELS, memory)
    assert {"LORA=64", "NGPUS=2", "FREEZE_VISION=1"} <= {knob.setting for knob in knobs}
    assert all(knob.peak < max(memory.peaks.values()) for knob in knobs)
    adapters = replace(settings.engine, lora_rank=64, frozen_tower=True)
    turned = estimate_memory(replace(settings, engine=adapters), QWEN, RTX4090, PIXELS)
    assert max(turned.peaks.values()) == next(knob.peak for knob in knobs if knob.setting == "LORA=64")


@pytest.mark.parametrize(
    ("overrides", "smaller"),
    [
        (["use_dynamic_bsz=false", "ppo_micro_batch_size_per_gpu=16"], "ppo_micro_batch_size_per_gpu=8"),
        (["ppo_max_token_len_per_gpu=24576"], "ppo_max_token_len_per_gpu=12288"),
    ],
)
def test_the_micro_batch_is_a_knob_where_activations_are_what_does_not_fit(overrides, smaller, grpo):
    large = [
        *(f"actor_rollout_ref.actor.{override}" for override in overrides),
        "actor_rollout_ref.model.enable_gradient_checkpointing=false",
    ]
    settings = grpo(*large)
    memory = estimate_memory(settings, QWEN, A100, PIXELS)
    knobs = {knob.setting: knob for knob in helpful_knobs(settings, QWEN, A100, PIXELS, memory)}
    assert not memory.fits(A100)
    assert f"actor_rollout_ref.actor.{smaller}" in knobs
    assert knobs["actor_rollout_ref.model.enable_gradient_checkpointing=True"].fits


def test_sft_has_no_server(sft):
    memory = estimate_memory(sft(), QWEN, A100, PIXELS)
    assert set(memory.phases) == {"update", "optimizer step"}
    assert (memory.cached_answers, memory.host) == (None, 0)
