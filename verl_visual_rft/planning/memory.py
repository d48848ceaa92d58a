# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""An estimate of GPU memory, by part and by phase of a step.

The phases of a step of veRL's hybrid engine follow each other on the same GPUs. Formulas and what was measured:
docs/plan.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from verl_visual_rft.gpus import GIB, Gpu
from verl_visual_rft.planning.activations import count_activations, decoder_layer_bytes
from verl_visual_rft.planning.models import Model
from verl_visual_rft.planning.parameters import Parameters, count_parameters, lora_parameters
from verl_visual_rft.planning.settings import SFT_UPDATE, UPDATE, Engine, Settings

#: Assumed, not computed: what a process takes before its first tensor (CUDA context, NCCL's and cuBLAS's buffers) ...
CONTEXT = 1.5 * GIB
#: ... what vLLM keeps while it sleeps (its own context, CUDA graphs) ...
ASLEEP = 2.0 * GIB
#: ... and what it needs besides weights and cache while it answers.
VLLM_WORK = 3.0 * GIB
#: Share of a GPU that may be planned: the rest is lost to fragmentation.
USABLE = 0.95


@dataclass(frozen=True)
class Memory:
    """Bytes on one GPU."""

    phases: Mapping[str, Mapping[str, float]]  #: Phase -> part -> bytes at its peak.
    cached_answers: int | None  #: Prompts with answers of full length that fit into vLLM's cache; None for SFT.
    answers_at_once: int | None  #: Answers that a server has at a time; None for SFT.
    host: float  #: Bytes of main memory, for each GPU, that hold what is not on the GPU.

    @property
    def peaks(self) -> dict[str, float]:
        """Phase -> bytes."""
        return {phase: sum(parts.values()) for phase, parts in self.phases.items()}

    def fits(self, gpu: Gpu) -> bool:
        """Whether every phase fits, and the cache holds one answer at least."""
        return self.cached_answers != 0 and max(self.peaks.values()) <= USABLE * gpu.memory


def estimate_memory(settings: Settings, model: Model, gpu: Gpu, max_pixels: int) -> Memory:
    """Estimate the memory of one GPU."""
    parameters, engine = count_parameters(model), settings.engine
    trained = trained_parameters(model, parameters, engine)
    adapters = trained if engine.lora_rank else 0
    state = {
        "weights": (parameters.total + adapters) * engine.master_bytes / engine.shards,
        "optimizer": 2 * trained * engine.master_bytes / engine.shards,
    }
    resident = {
        "weights": 0.0 if engine.offloads_weights else state["weights"],
        "optimizer": 0.0 if engine.offloads_optimizer else state["optimizer"],
    }
    others = {"contexts": CONTEXT + (ASLEEP if settings.rollout else 0.0)}
    update = _update(settings, model, parameters, trained, max_pixels)
    phases: dict[str, Mapping[str, float]] = {
        "update": {**state, **update, **others},
        # AdamW works on all tensors at a time (torch's foreach): a temporary one for each.
        "optimizer step": {
            **state,
            "gradients": update["gradients"],
            "temporary tensors": trained * engine.master_bytes / engine.shards,
            **others,
        },
    }
    cached_answers = answers_at_once = None
    if settings.rollout is not None:
        served = parameters.total * settings.rollout.weight_bytes / settings.rollout.tensor_parallel
        cache = settings.rollout.memory_share * gpu.memory - served - VLLM_WORK
        cached_answers = max(0, math.floor(cache / cache_bytes(settings, model) / settings.sequence_tokens))
        answers_at_once = count_answers_at_once(settings)
        parts = {"vLLM weights": served, "vLLM work": VLLM_WORK, "KV cache": max(0.0, cache)}
        inference: dict[str, Mapping[str, float]] = {}
        if settings.log_prob_passes:
            inference["log-probs"] = {
                "weights": state["weights"],
                "optimizer": resident["optimizer"],
                **_inference(settings, model, parameters, max_pixels),
                **others,
            }
        phases = {
            "rollout": {**resident, **parts, "contexts": CONTEXT},
            **inference,
            **phases,
            "weight sync": {
                **resident,
                "vLLM weights": served,
                "one whole tensor": float(parameters.embedding * engine.master_bytes),
                "bucket": float(settings.rollout.bucket),
                **others,
            },
        }
    copies = 2 if settings.reference and not engine.lora_rank else 1
    host = (copies - 1) * state["weights"] + state["weights"] * engine.offloads_weights
    host += state["optimizer"] * engine.offloads_optimizer
    return Memory(phases, cached_answers, answers_at_once, host)


def trained_parameters(model: Model, parameters: Parameters, engine: Engine) -> int:
    """Return how many parameters train: all, all but the vision tower, or the adapters."""
    if engine.lora_rank:
        return lora_parameters(model, engine.lora_rank, tower=not engine.frozen_tower)
    return parameters.language if engine.frozen_tower else parameters.total


def cache_bytes(settings: Settings, model: Model) -> int:
    """Bytes a token of vLLM's cache on one GPU: keys and values of every layer."""
    assert settings.rollout is not None
    heads = max(1, model.decoder.kv_heads // settings.rollout.tensor_parallel)
    return 2 * model.decoder.layers * heads * model.decoder.head_width * settings.rollout.weight_bytes


def patches_of(model: Model, max_pixels: int) -> int:
    """Return the patches of the largest picture."""
    return max_pixels // model.tower.patch**2


def largest_micro_batch(settings: Settings, setting: str, model: Model, max_pixels: int) -> tuple[int, int]:
    """Return the most tokens, and the most patches of pictures, that a GPU computes at a time.

    Where lengths decide, short sequences leave room for more pictures: at most as many as there are tokens for.
    """
    patches, parallel = patches_of(model, max_pixels), settings.sequence_parallel
    share = settings.sequences // settings.data_parallel
    if setting not in settings.token_limits:
        sequences = pictures = settings.micro_batches[setting]
        tokens = math.ceil(sequences * settings.sequence_tokens / parallel)
    else:
        limit = settings.token_limits[setting]
        tokens = min(limit, math.ceil(share * settings.sequence_tokens / parallel))
        pictures = min(share, limit * parallel * model.tower.merge**2 // patches)
    return tokens, pictures * patches


def _update(
    settings: Settings, model: Model, parameters: Parameters, trained: int, max_pixels: int
) -> dict[str, float]:
    engine = settings.engine
    tokens, patches = largest_micro_batch(settings, UPDATE if settings.rollout else SFT_UPDATE, model, max_pixels)
    found = count_activations(model, tokens, patches, engine.compute_bytes, engine.checkpointing, engine.frozen_tower)
    # Without flash attention's kernel the gradient of the logits is a second tensor (utils/torch_functional.py).
    logits = found.logits * (1 if engine.packed else 2)
    gathered = _gathered(parameters, engine)
    unit = max(parameters.embedding, parameters.decoder_layer)
    # A unit's gradient, and its copy in fp32 that is summed over the ranks.
    reduced = 0.0 if engine.lora_rank else float(unit * (engine.compute_bytes + 4))
    return {
        "gradients": trained * engine.master_bytes / engine.shards,
        "gathered units": gathered + reduced,
        "activations": found.decoder + found.tower + found.pixels + max(0.0, found.recomputed - logits),
        "logits": logits,
    }


def _inference(settings: Settings, model: Model, parameters: Parameters, max_pixels: int) -> dict[str, float]:
    """Nothing is kept for a backward pass; the largest micro-batch's logits and one layer's tensors remain."""
    engine = settings.engine
    tokens, patches = max(largest_micro_batch(settings, name, model, max_pixels) for name in settings.log_prob_passes)
    pixels = count_activations(model, 0, patches, engine.compute_bytes, True).pixels
    return {
        "gathered units": _gathered(parameters, engine),
        "activations": pixels + tokens * decoder_layer_bytes(model.decoder, engine.compute_bytes),
        "logits": float(tokens * model.decoder.vocabulary * engine.compute_bytes),
    }


def _gathered(parameters: Parameters, engine: Engine) -> float:
    """The units that FSDP holds whole: the outermost, with embedding and output layer, a layer, and the next one."""
    return float((parameters.embedding + parameters.head + 2 * parameters.decoder_layer) * engine.compute_bytes)


def count_answers_at_once(settings: Settings) -> int:
    """Return how many answers one server has at a time."""
    assert settings.rollout is not None
    servers = settings.ranks // settings.rollout.tensor_parallel
    return min(settings.rollout.at_once, math.ceil(settings.sequences / servers))
