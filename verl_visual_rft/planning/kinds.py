# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What kind of value each setting has that planning computes with: checked once, before anything reads them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from verl_visual_rft.errors import UserError

#: What is accepted, in words, and whether a value is it.
_Kind = tuple[str, Callable[[Any], bool]]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _from(least: int) -> _Kind:
    return f"whole number from {least}", lambda value: _is_whole(value) and value >= least


def _or_null(kind: _Kind) -> _Kind:
    return f"{kind[0]}, nor null", lambda value: value is None or kind[1](value)


def _is_files(value: Any) -> bool:
    return value is None or isinstance(value, str) or (isinstance(value, Sequence) and all(map(_is_text, value)))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


_WHOLE: _Kind = ("whole number", _is_whole)
_NUMBER: _Kind = ("number", lambda value: (_is_whole(value) or isinstance(value, float)) and math.isfinite(value))
_FROM_0: _Kind = ("number from 0", lambda value: _NUMBER[1](value) and value >= 0)
_TEXT: _Kind = ("text", _is_text)
_FILES: _Kind = ("file, nor list of files", _is_files)

_BOTH: Mapping[str, _Kind] = {
    "data.train_batch_size": _from(1),
    "data.train_files": _FILES,
    "data.val_files": _FILES,
    "data.train_max_samples": _or_null(_WHOLE),
    "trainer.nnodes": _from(0),
    "trainer.n_gpus_per_node": _from(0),
    "trainer.total_epochs": _from(1),
    "trainer.total_training_steps": _or_null(_from(1)),
    "trainer.default_local_dir": _TEXT,
}
_GRPO: Mapping[str, _Kind] = {
    **_BOTH,
    "data.max_prompt_length": _from(1),
    "data.max_response_length": _from(1),
    "actor_rollout_ref.model.path": _TEXT,
    "actor_rollout_ref.model.lora_rank": _from(0),
    "actor_rollout_ref.actor.ppo_mini_batch_size": _from(1),
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu": _or_null(_WHOLE),
    "actor_rollout_ref.actor.ppo_max_token_len_per_gpu": _from(1),
    "actor_rollout_ref.actor.ulysses_sequence_parallel_size": _from(1),
    "actor_rollout_ref.actor.fsdp_config.ulysses_sequence_parallel_size": _from(1),
    "actor_rollout_ref.actor.fsdp_config.fsdp_size": _WHOLE,
    "actor_rollout_ref.actor.optim.lr": _FROM_0,
    "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu": _or_null(_WHOLE),
    "actor_rollout_ref.ref.log_prob_max_token_len_per_gpu": _from(1),
    "actor_rollout_ref.rollout.n": _from(1),
    "actor_rollout_ref.rollout.temperature": _NUMBER,
    "actor_rollout_ref.rollout.top_k": _WHOLE,
    "actor_rollout_ref.rollout.top_p": _NUMBER,
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu": _or_null(_WHOLE),
    "actor_rollout_ref.rollout.log_prob_max_token_len_per_gpu": _from(1),
    "actor_rollout_ref.rollout.tensor_model_parallel_size": _from(1),
    "actor_rollout_ref.rollout.gpu_memory_utilization": _NUMBER,
    "actor_rollout_ref.rollout.max_model_len": _or_null(_from(1)),
    "actor_rollout_ref.rollout.max_num_seqs": _from(1),
    "actor_rollout_ref.rollout.checkpoint_engine.update_weights_bucket_megabytes": _from(1),
}
_SFT: Mapping[str, _Kind] = {
    **_BOTH,
    "data.max_length": _from(1),
    "data.micro_batch_size_per_gpu": _or_null(_WHOLE),
    "data.max_token_len_per_gpu": _from(1),
    "model.path": _TEXT,
    "model.lora_rank": _from(0),
    "engine.fsdp_size": _WHOLE,
    "optim.lr": _FROM_0,
}


def check_kinds(config: Mapping[str, Any]) -> None:
    """Refuse settings that are there but not what their kind is, or were taken out.

    Raises:
        UserError: The first of them, with what it may be.
    """
    for name, (accepted, is_one) in (_GRPO if "actor_rollout_ref" in config else _SFT).items():
        value = setting(config, name)
        if not is_one(value):
            raise UserError(f"{name}={_shown(value)} is no {accepted}; set it to one, or leave it out")


def group(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a group of settings.

    Raises:
        UserError: It was taken out, or is a value.
    """
    value = setting(config, name)
    if not isinstance(value, Mapping):
        raise UserError(f"{name}={_shown(value)}: {name} is a group of settings; leave that word out")
    return value


def setting(config: Mapping[str, Any], name: str) -> Any:
    """Return a setting by its whole name; raises as `group`."""
    above, _, key = name.rpartition(".")
    settings = group(config, above) if above else config
    if key not in settings:
        raise UserError(f"there is no setting {name}, which a training needs; leave out what takes it away (~{name})")
    return settings[key]


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)
