# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What to turn when a run does not fit: every knob is tried in the estimate, and those that help are listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from verl_visual_rft.errors import UserError
from verl_visual_rft.gpus import Gpu
from verl_visual_rft.planning import refusals
from verl_visual_rft.planning.memory import USABLE, Memory, estimate_memory
from verl_visual_rft.planning.models import Model
from verl_visual_rft.planning.settings import OLD_LOG_PROBS, REFERENCE, Engine, Settings

_LORA_RANK = 64
_SHARE_STEP = 0.05
_BUCKET = "actor_rollout_ref.rollout.checkpoint_engine.update_weights_bucket_megabytes"
_RECOGNISABLE = 0.01  # of the peak: less is no help


@dataclass(frozen=True)
class Knob:
    """A change of settings."""

    setting: str  #: As on the command line.
    peak: float  #: Bytes of the largest phase with it alone.
    fits: bool  #: Whether the run fits with it alone.
    cost: str  #: What it costs.


def helpful_knobs(settings: Settings, model: Model, gpu: Gpu, max_pixels: int, memory: Memory) -> list[Knob]:
    """Return the knobs that lower the largest phase and can be turned, the most helpful first."""
    peak, knobs = max(memory.peaks.values()), []
    changes = chain(
        _smaller_batches(settings), _other_training(settings), _server_changes(settings, model, gpu, memory)
    )
    for setting, cost, changed in changes:
        if not _possible(changed, model):
            continue
        estimate = estimate_memory(changed, model, gpu, max_pixels)
        lower = max(estimate.peaks.values())
        if lower < peak * (1 - _RECOGNISABLE) or (memory.cached_answers == 0 and estimate.cached_answers):
            knobs.append(Knob(setting, lower, estimate.fits(gpu), cost))
    return sorted(knobs, key=lambda knob: (not knob.fits, knob.peak))


def _possible(settings: Settings, model: Model) -> bool:
    try:
        refusals.check(settings, model)
    except UserError:
        return False
    return True


#: Setting as on the command line, cost, changed settings.
_Change = tuple[str, str, Settings]


def _smaller_batches(settings: Settings) -> Iterator[_Change]:
    """Halve micro-batches, the two of log-probabilities together, and the answers' limit; double the GPUs."""
    sizes, limits = settings.micro_batches, settings.token_limits
    passes = [*sizes, *limits]
    inference = [name for name in passes if name in (OLD_LOG_PROBS, REFERENCE)]
    for names in (inference, [name for name in passes if name not in inference]):
        fewer = {name: max(1, sizes[name] // 2) for name in names if name in sizes}
        shorter = {name: limits[name] // 2 for name in names if name in limits}
        changed = replace(settings, micro_batches={**sizes, **fewer}, token_limits={**limits, **shorter})
        words = {
            name: value for name, value in changed.batch_settings.items() if settings.batch_settings[name] != value
        }
        yield " ".join(f"{name}={value}" for name, value in words.items()), "time", changed
    half = settings.answer_tokens // 2
    if half:
        yield f"data.max_response_length={half}", "cuts answers", replace(settings, answer_tokens=half)
    ranks, shards = 2 * settings.ranks_per_node, 2 * settings.engine.shards
    more = replace(settings, ranks_per_node=ranks, engine=replace(settings.engine, shards=shards))
    yield f"NGPUS={ranks}", "twice the GPUs", more


def _other_training(settings: Settings) -> Iterator[_Change]:
    """Yield the changes of the trainer's engine."""
    engine = settings.engine
    fsdp = "actor_rollout_ref.actor.fsdp_config" if settings.rollout else "engine"
    model = "actor_rollout_ref.model" if settings.rollout else "model"
    adapters = replace(engine, lora_rank=_LORA_RANK, frozen_tower=True)
    offloaded = replace(engine, offloads_weights=True, offloads_optimizer=True)
    changes: dict[str, tuple[str, Engine]] = {
        f"{model}.enable_gradient_checkpointing=True": ("time", replace(engine, checkpointing=True)),
        f"{fsdp}.optimizer_offload=True": ("time, main memory", replace(engine, offloads_optimizer=True)),
        f"{fsdp}.param_offload=True {fsdp}.optimizer_offload=True": ("time, main memory", offloaded),
        "FREEZE_VISION=1": ("tower stays", replace(engine, frozen_tower=True)),
    }
    if engine.lora_rank:
        changes[f"{fsdp}.model_dtype=bf16"] = "adapters in bf16", replace(engine, master_bytes=2)
    else:
        changes[f"LORA={_LORA_RANK}"] = "trains adapters", adapters
    for setting, (cost, changed) in changes.items():
        yield setting, cost, replace(settings, engine=changed)


def _server_changes(settings: Settings, model: Model, gpu: Gpu, memory: Memory) -> Iterator[_Change]:
    """Yield the changes of the server's share of memory, and of how many GPUs share a copy of it."""
    rollout = settings.rollout
    if rollout is None:
        return
    beside = sum(memory.phases["rollout"][part] for part in ("weights", "optimizer", "contexts"))
    share = (USABLE * gpu.memory - beside) // (_SHARE_STEP * gpu.memory) * _SHARE_STEP
    if share >= _SHARE_STEP:
        changed = replace(settings, rollout=replace(rollout, memory_share=share))
        yield f"actor_rollout_ref.rollout.gpu_memory_utilization={share:.2f}", "less cache", changed
    bucket = rollout.bucket // 4
    changed = replace(settings, rollout=replace(rollout, bucket=bucket))
    yield f"{_BUCKET}={bucket // 2**20}", "more messages", changed
    doubled = 2 * rollout.tensor_parallel
    changed = replace(settings, rollout=replace(rollout, tensor_parallel=doubled))
    yield f"actor_rollout_ref.rollout.tensor_model_parallel_size={doubled}", "slower answers", changed
