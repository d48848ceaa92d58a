# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""An estimate of a step's time, from operations and bytes moved. What is assumed is in `Assumptions`, and printed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from verl_visual_rft.gpus import Gpu
from verl_visual_rft.planning.memory import cache_bytes, count_answers_at_once, patches_of
from verl_visual_rft.planning.models import Model
from verl_visual_rft.planning.parameters import Parameters, count_parameters
from verl_visual_rft.planning.settings import OLD_LOG_PROBS, REFERENCE, SFT_UPDATE, UPDATE, Settings


@dataclass(frozen=True)
class Assumptions:
    """What the estimate of time assumes; none of it has been measured with this package."""

    #: Of a GPU's operations that forward and backward passes reach (MFU); 0.3 to 0.5 are usual for dense models of
    #: this size with FSDP.
    train_share: float = 0.35
    prefill_share: float = 0.35  #: Of its operations that vLLM reaches on prompts.
    decode_share: float = 0.5  #: Of its memory's bandwidth that vLLM reaches while it answers.
    #: Of a generated token, however small the model: vLLM's scheduling and kernel launches.
    least_token_seconds: float = 0.006
    link_share: float = 0.7  #: Of a link's rate.
    #: Mean length of an answer, of the longest that is admitted; the longest decides how long vLLM answers, because a
    #: step waits for all.
    answer_share: float = 0.5
    prompt_share: float = 0.75  #: Mean length of a prompt with its picture, of the longest that is admitted.
    #: A step's seconds for all else: rewards, data, weights to vLLM, its waking and sleeping.
    fixed_seconds: float = 4.0


@dataclass(frozen=True)
class Duration:
    """Seconds of a step by part, and what is computed in it."""

    parts: Mapping[str, float]  #: Part -> seconds.
    tokens: int  #: Mean tokens of a step, prompts and pictures included.
    answer_tokens: int  #: Mean tokens of its answers.

    @property
    def seconds(self) -> float:
        """Of a step."""
        return sum(self.parts.values())


def estimate_duration(
    settings: Settings, model: Model, gpu: Gpu, max_pixels: int, assumed: Assumptions | None = None
) -> Duration:
    """Estimate the seconds of a step on all GPUs.

    A forward pass is 2 operations a weight and token, a backward pass 4 (Kaplan et al., 2020, section 2.1), attention
    4 x layers x width x length a token more; gradient checkpointing adds a forward pass. The vision tower counts
    patches, not tokens. vLLM reads its weights and the cache once a generated token.
    """
    assumed = assumed or Assumptions()
    parameters, prompt = count_parameters(model), settings.prompt_tokens * assumed.prompt_share
    answer = settings.answer_tokens * assumed.answer_share
    tokens, patches = prompt + answer, patches_of(model, max_pixels) * assumed.prompt_share
    forward = _forward_operations(model, parameters, tokens, patches) * settings.sequences / settings.ranks
    rate = gpu.flops * assumed.train_share
    backward = 2 + settings.engine.checkpointing
    if settings.engine.lora_rank:
        backward -= 1  # no gradients of the base weights
    update = SFT_UPDATE if settings.rollout is None else UPDATE
    parts = {"update": forward * (1 + backward) / rate + _gathering(settings, parameters, gpu, assumed, update, 3)}
    if settings.rollout is not None:
        parts = {"rollout": _rollout(settings, model, parameters, gpu, assumed, patches), **parts}
    if settings.old_log_probs:
        parts["log-probs"] = forward / rate + _gathering(settings, parameters, gpu, assumed, OLD_LOG_PROBS, 1)
    if settings.reference:
        parts["reference"] = forward / rate
        if not settings.engine.lora_rank:  # a model of its own, which lies in main memory
            passes = _micro_batches(settings, REFERENCE, assumed)
            shard = parameters.total * settings.engine.master_bytes / settings.engine.shards
            parts["reference"] += passes * shard / (gpu.host_link * assumed.link_share)
            parts["reference"] += _gathering(settings, parameters, gpu, assumed, REFERENCE, 1)
    if settings.rollout is not None:
        parts["all else"] = assumed.fixed_seconds
    return Duration(parts, round(tokens * settings.sequences), round(answer * settings.sequences))


def _forward_operations(model: Model, parameters: Parameters, tokens: float, patches: float) -> float:
    """Of one sequence with one picture."""
    decoder, tower = model.decoder, model.tower
    weights = parameters.decoder + parameters.embedding  # the output layer; looking an embedding up costs nothing
    attention = 4 * decoder.layers * decoder.heads * decoder.head_width * tokens / 2  # causal
    blocks = tower.layers * parameters.tower_block
    tower_attention = 4 * tower.layers * tower.width * patches
    embedding = 3 * tower.frames * tower.patch**2 * tower.width
    # Learnt positions are added; mergers compute once a visual token.
    mergers = (parameters.tower - blocks - embedding - tower.positions * tower.width) / tower.merge**2
    return tokens * (2 * weights + attention) + patches * (2 * (embedding + blocks + mergers) + tower_attention)


def _rollout(
    settings: Settings, model: Model, parameters: Parameters, gpu: Gpu, assumed: Assumptions, patches: float
) -> float:
    """Prompts are computed once (their rollouts share them); then the weights are read once a token of the longest."""
    assert settings.rollout is not None
    prompt = settings.prompt_tokens * assumed.prompt_share
    prefill = _forward_operations(model, parameters, prompt, patches) * settings.prompts / settings.ranks
    at_once = count_answers_at_once(settings)
    waves = math.ceil(settings.sequences * settings.rollout.tensor_parallel / settings.ranks / at_once)
    read = (parameters.language * settings.rollout.weight_bytes) / settings.rollout.tensor_parallel
    read += at_once * (prompt + settings.answer_tokens * assumed.answer_share / 2) * cache_bytes(settings, model)
    token = max(read / (gpu.bandwidth * assumed.decode_share), assumed.least_token_seconds)
    return prefill / (gpu.flops * assumed.prefill_share) + waves * settings.answer_tokens * token


def _gathering(
    settings: Settings, parameters: Parameters, gpu: Gpu, assumed: Assumptions, setting: str, passes: int
) -> float:
    """FSDP gathers the weights in every pass over a micro-batch (and sums gradients), in the compute type."""
    if settings.engine.shards == 1:
        return 0.0
    moved = parameters.total * settings.engine.compute_bytes * (1 - 1 / settings.engine.shards)
    return passes * _micro_batches(settings, setting, assumed) * moved / (gpu.link * assumed.link_share)


def _micro_batches(settings: Settings, setting: str, assumed: Assumptions) -> int:
    """Of a GPU in one step; where lengths decide, of sequences of the mean length."""
    share = settings.sequences / settings.data_parallel
    if setting not in settings.token_limits:
        return math.ceil(share / settings.micro_batches[setting])
    tokens = settings.prompt_tokens * assumed.prompt_share + settings.answer_tokens * assumed.answer_share
    return math.ceil(share * tokens / (settings.token_limits[setting] * settings.sequence_parallel))
