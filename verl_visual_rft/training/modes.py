# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which trainer of veRL runs our configuration: ours, and what only others read is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verl_visual_rft.errors import UserError

#: ``trainer.v1.trainer_mode`` that selects the trainer.
TRAINER_MODE = "visual_rft"

#: Parts of a configuration that only work with our trainer, and how they are told from veRL's.
_OUR_PARTS = {
    "trainer.v1.sampler.custom_sampler.path": "verl_visual_rft",
    "actor_rollout_ref.rollout.agent.agent_loop_manager_class": "verl_visual_rft",
    "algorithm.adv_estimator": "visual_rft_gdpo",
}

#: What our trainer does not read, with veRL 0.9.1's default.
_OF_OTHER_TRAINERS: Mapping[str, Any] = {
    "trainer.v1.colocate_async.num_warmup_batches": 1,
    "trainer.v1.separate_async.num_warmup_batches": 1,
    "trainer.v1.separate_async.parameter_sync_step": 4,
    "trainer.v1.separate_async.hybrid_rollout.enable_switch": False,
    "trainer.v1.sampler.max_off_policy_threshold": 8,
    "trainer.v1.sampler.max_off_policy_strategy": "drop",
    "trainer.v1.sampler.sync_refill_failed_groups": False,
    "algorithm.filter_groups.max_inflight_gen_batches": 1,
    "actor_rollout_ref.hybrid_engine": True,
    "actor_rollout_ref.rollout.nnodes": 0,
}


def check_trainer_mode(config: Mapping[str, Any]) -> None:
    """Refuse our parts in a trainer of veRL, and settings of such trainers in ours.

    Every step of ours is sampled from the weights that it updates. veRL's asynchronous trainers go on generating while
    they train, and would get rollouts from parts that know nothing of it: ``colocate_async`` samples as if it were
    synchronous, ``separate_async`` ends in an AttributeError. ``sync`` never clears the pictures of a step, and has
    neither guards nor monitoring.

    Args:
        config: Of GRPO, resolved.

    Raises:
        UserError: The message names the settings and the remedy.
    """
    mode, legacy = _value(config, "trainer.v1.trainer_mode", None), not _value(config, "trainer.use_v1", True)
    if legacy or mode != TRAINER_MODE:
        ours = [key for key, mark in _OUR_PARTS.items() if mark in str(_value(config, key, None))]
        if ours:
            chosen = "trainer.use_v1=false" if legacy else f"trainer.v1.trainer_mode={mode}"
            raise UserError(
                f"{chosen} selects another trainer than ours, and {', '.join(ours)} of this configuration need ours: "
                "each step is sampled from the weights that it updates; set "
                f"trainer.v1.trainer_mode={TRAINER_MODE}, or start from veRL's own configuration, ppo_trainer"
            )
        return
    changed = [key for key, default in _OF_OTHER_TRAINERS.items() if _value(config, key, default) != default]
    if changed:
        raise UserError(
            f"{', '.join(changed)}: only veRL's own trainers read this; ours samples each step from the weights that "
            "it updates; leave it out"
        )


def _value(config: Mapping[str, Any], key: str, default: Any) -> Any:
    """Return a setting by its whole name; the default where the configuration does not have it."""
    value: Any = config
    for part in key.split("."):
        if not hasattr(value, "keys") or part not in value:
            return default
        value = value[part]
    return value
