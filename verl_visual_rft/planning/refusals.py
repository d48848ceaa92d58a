# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Settings that cannot work together, refused before anything starts.

veRL and vLLM find these when Ray, the model and the server are up, some only in the first update.
"""

from __future__ import annotations

import math

from verl_visual_rft.errors import UserError
from verl_visual_rft.planning.models import Model
from verl_visual_rft.planning.settings import TOKEN_LIMIT, Settings

_LARGEST_LORA = 512  # vllm 0.24 and 0.27, config/lora.py
_TP = "actor_rollout_ref.rollout.tensor_model_parallel_size"


def check(settings: Settings, model: Model) -> None:
    """Refuse settings that contradict each other or the model, in one line with the remedy."""
    _check_ranks(settings, model)
    _check_batches(settings)
    _check_lengths(settings, model)
    _check_tensor_parallel(settings, model)


def _check_ranks(settings: Settings, model: Model) -> None:
    shared = settings.sequence_parallel
    if settings.ranks < 1:
        raise UserError(f"{settings.nodes} nodes of {settings.ranks_per_node} GPUs: a run needs one at least")
    if settings.ranks % shared or model.decoder.heads % shared:
        raise UserError(
            f"ulysses_sequence_parallel_size {shared} divides not both {_gpus(settings)} and the model's "
            f"{model.decoder.heads} heads; set it to {_divisors(settings.ranks, model.decoder.heads)}"
        )


def _check_batches(settings: Settings) -> None:
    """A step's sequences go to mini-batches, those to ranks, those to micro-batches; every division must be even.

    main_ppo's validate_config (utils/config.py:115), train_mini_batch (workers/engine_workers.py:267),
    prepare_micro_batches (workers/engine/utils.py) and the SFT trainer's loader (trainer/sft_trainer.py:241).
    """
    prompts, mini, ranks = settings.prompts, settings.mini_batch, settings.data_parallel
    answers = settings.rollout.answers if settings.rollout else 1
    if prompts % mini:
        raise UserError(
            f"data.train_batch_size {prompts} is no multiple of actor.ppo_mini_batch_size {mini}; "
            f"set the latter to {_divisors(prompts)}"
        )
    if mini * answers % ranks:
        product = f"{mini} prompts x {answers} answers" if settings.rollout else f"{mini} examples"
        raise UserError(
            f"{product} of an update cannot be divided among {_gpus(settings)}; set "
            f"trainer.n_gpus_per_node or data.train_batch_size (NGPUS={_divisors(mini * answers)} would do)"
        )
    for setting, size in settings.micro_batches.items():
        share = (mini if "actor" in setting.split(".") or settings.rollout is None else prompts) * answers // ranks
        if size is None or size < 1 or share % size:
            raise UserError(
                f"{setting}={size} does not divide the {share} sequences of a GPU; set it to {_divisors(share)}"
            )


def _check_lengths(settings: Settings, model: Model) -> None:
    needed, known = settings.sequence_tokens, model.decoder.longest
    lengths = f"prompt and answer of {settings.prompt_tokens} + {settings.answer_tokens} tokens"
    if settings.rollout is None:
        lengths = f"examples of {needed} tokens (data.max_length)"
    if needed > known:
        raise UserError(f"{lengths} are more than the {known} positions of {model.name}; set them lower")
    for name, limit in settings.token_limits.items():
        if limit * settings.sequence_parallel < needed:
            least = math.ceil(needed / settings.sequence_parallel)
            raise UserError(f"{lengths} do not fit into {TOKEN_LIMIT[name]}={limit}; set it to {least} or more")
    longest = settings.rollout.longest if settings.rollout else None
    if longest is not None and longest > known:
        raise UserError(
            f"actor_rollout_ref.rollout.max_model_len={longest} is more than the {known} positions of {model.name}; "
            f"set it to {needed}"
        )
    if longest is not None and needed > longest:
        raise UserError(
            f"{lengths} are more than actor_rollout_ref.rollout.max_model_len={longest}; set it to {needed}, or set "
            "data.max_prompt_length or data.max_response_length lower"
        )


def _check_tensor_parallel(settings: Settings, model: Model) -> None:
    """The server's copy of the model is divided by heads, of the language model and of the vision tower."""
    if settings.rollout is None:
        return
    size, heads, tower_heads = settings.rollout.tensor_parallel, model.decoder.heads, model.tower.heads
    if heads % size or tower_heads % size:
        raise UserError(
            f"{_TP}={size} does not divide the {heads} heads of {model.name} and the {tower_heads} of its vision "
            f"tower; set it to {_divisors(heads, tower_heads)}"
        )
    if settings.ranks % size:
        raise UserError(f"{_TP}={size} does not divide {_gpus(settings)}; set it to {_divisors(settings.ranks, heads)}")
    if settings.engine.lora_rank > _LARGEST_LORA:
        raise UserError(
            f"lora_rank={settings.engine.lora_rank} (LORA): vLLM takes adapters of rank {_LARGEST_LORA} at most"
        )
    if not 0 < settings.rollout.memory_share < 1:
        raise UserError(
            f"actor_rollout_ref.rollout.gpu_memory_utilization={settings.rollout.memory_share} is no share of a GPU's "
            "memory; set it between 0 and 1"
        )


def _gpus(settings: Settings) -> str:
    kind = "GPU" if settings.device != "cpu" else "rank"
    return f"{settings.ranks} {kind}{'s' if settings.ranks != 1 else ''}"


def _divisors(*numbers: int) -> str:
    """Say the common divisors: "1, 2 or 4"."""
    common = [str(size) for size in range(1, min(numbers) + 1) if all(number % size == 0 for number in numbers)]
    return common[0] if len(common) == 1 else f"{', '.join(common[:-1])} or {common[-1]}"
