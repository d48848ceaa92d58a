# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from verl_visual_rft.gpus import GPUS
from verl_visual_rft.miniature.pretraining import TINY_MODEL
from verl_visual_rft.planning.duration import Assumptions, _forward_operations, estimate_duration
from verl_visual_rft.planning.models import load_model
from verl_visual_rft.planning.parameters import count_parameters

A100 = GPUS["a100-80g"]
QWEN = load_model("Qwen/Qwen2-VL-2B-Instruct")
PIXELS = 401408


def test_operations_are_those_that_torch_counts():
    """In a real forward pass of plain attention, which computes all scores; a causal kernel computes half of them."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(TINY_MODEL, attn_implementation="eager")
    tokens, side = 300, 32
    ids = torch.full((1, tokens), 40)
    ids[0, : side**2 // 4] = model.config.image_token_id
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(
            input_ids=ids,
            position_ids=torch.arange(tokens).expand(3, 1, tokens),
            pixel_values=torch.randn(side**2, 3 * 2 * 14**2),
            image_grid_thw=torch.tensor([[1, side, side]]),
            use_cache=False,
        )
    shape = load_model(str(TINY_MODEL))
    decoder = shape.decoder
    other_half = 4 * decoder.layers * decoder.heads * decoder.head_width * tokens**2 / 2
    counted = _forward_operations(shape, count_parameters(shape), tokens, side**2) + other_half
    assert counted == pytest.approx(counter.get_total_flops(), rel=0.03)


def test_twice_the_gpus_compute_twice_as_fast(grpo):
    slow, fast = (
        estimate_duration(grpo(f"trainer.n_gpus_per_node={n}", "trainer.nnodes=1"), QWEN, A100, PIXELS) for n in (4, 8)
    )
    assert slow.parts["update"] == pytest.approx(2 * fast.parts["update"], rel=0.15)
    assert slow.tokens == fast.tokens


def test_a_short_model_is_bound_by_the_least_time_of_a_token(grpo):
    rollout = estimate_duration(grpo(), QWEN, A100, PIXELS).parts["rollout"]
    assert rollout > 512 * Assumptions().least_token_seconds


def test_the_step_is_the_sum_of_its_parts_and_tokens_follow_the_assumed_lengths(grpo, sft):
    duration = estimate_duration(grpo(), QWEN, A100, PIXELS)
    assert set(duration.parts) == {"rollout", "update", "reference", "all else"}
    assert duration.answer_tokens == 16 * 8 * 512 // 2
    assert duration.tokens == 16 * 8 * (1024 * 3 // 4 + 512 // 2)
    assert estimate_duration(sft(), QWEN, A100, PIXELS).parts.keys() == {"update"}


def test_old_log_probs_take_time_where_a_batch_is_several_updates(grpo):
    mini_batch = "actor_rollout_ref.actor.ppo_mini_batch_size=8"
    one, two = (estimate_duration(grpo(*overrides), QWEN, A100, PIXELS) for overrides in ([], [mini_batch]))
    assert two.parts == one.parts | {"log-probs": two.parts["log-probs"]}
    assert 0 < two.parts["log-probs"] < two.parts["update"] / 2


def test_without_kl_no_reference_is_asked(grpo):
    parts = estimate_duration(grpo("actor_rollout_ref.actor.use_kl_loss=false"), QWEN, A100, PIXELS).parts
    assert "reference" not in parts


def test_dynamic_batches_are_fewer_where_sequences_are_shorter_than_the_longest(grpo):
    """Weights are gathered, and the reference comes from main memory, once a micro-batch."""
    short = Assumptions(prompt_share=0.375, answer_share=0.25)
    fixed, dynamic = (
        estimate_duration(grpo(f"actor_rollout_ref.actor.use_dynamic_bsz={choice}"), QWEN, A100, PIXELS, short)
        for choice in ("false", "true")
    )
    assert all(dynamic.parts[part] < fixed.parts[part] for part in ("reference", "update"))
    assert dynamic.parts["rollout"] == fixed.parts["rollout"]
