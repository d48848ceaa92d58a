# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of GRPO that would be ignored or cannot work, refused before anything starts; without torch or veRL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import Reward, load_reward
from verl_visual_rft.training.checkpoints.best import check_keep_best
from verl_visual_rft.training.modes import check_trainer_mode
from verl_visual_rft.training.scoring.custom_function import custom_function

#: Estimators of veRL that compare an answer with those of the batch.
_WITHOUT_GROUPS = ("reinforce_plus_plus",)
#: What veRL's trainer can compute of a batch of ours, and our own.
_ESTIMATORS = (
    *("visual_rft_grpo", "visual_rft_gdpo", "grpo", "grpo_passk", "grpo_vectorized", "gpg", "opo"),
    *("rloo", "rloo_vectorized", "reinforce_plus_plus", "reinforce_plus_plus_baseline"),
)


def check_algorithm(config: Mapping[str, Any]) -> None:
    """Check the trainer and the algorithm of a resolved GRPO configuration.

    Args:
        config: The configuration, an omegaconf node or plain mappings.

    Raises:
        UserError: A setting does nothing or contradicts another; the message names it and the remedy.
    """
    check_trainer_mode(config)
    check_keep_best(config)
    algorithm, actor = config["algorithm"], config["actor_rollout_ref"]["actor"]
    if actor.get("freeze_vision_tower"):
        raise UserError(
            "actor_rollout_ref.actor.freeze_vision_tower=true does nothing in veRL 0.9.1; "
            "use visual_rft.freeze_vision=true"
        )
    _check_parts(config)
    function = custom_function(config)
    loaded = None if function else load_reward(_reward(config))
    filter_groups = algorithm.get("filter_groups") or {}
    if filter_groups.get("enable") and not filter_groups.get("max_num_gen_batches", 0) > 0:
        raise UserError(
            "algorithm.filter_groups.enable=true needs a bound: a model that always earns the same would generate for "
            "ever; set algorithm.filter_groups.max_num_gen_batches, 10 say"
        )
    if algorithm["adv_estimator"] == "visual_rft_gdpo":
        if loaded is None:
            raise UserError(f"algo=gdpo: {function} does not say which components it sums with which weights")
        _check_gdpo(config, loaded)


def _check_parts(config: Mapping[str, Any]) -> None:
    """Refuse parts of veRL that our trainer and agent loop do not have."""
    rollout = config["actor_rollout_ref"]["rollout"]
    models = (config["reward"]["reward_model"], config.get("reward_model") or {})  # the second is veRL's old name
    refused = {
        "actor_rollout_ref.rollout.name": rollout["name"] != "vllm" and "use vllm, the one engine that pictures go to",
        "actor_rollout_ref.rollout.multi_turn.enable": (rollout.get("multi_turn") or {}).get("enable")
        and "a prompt is asked once; leave it out",
        "reward.reward_model.enable": any(model.get("enable") for model in models)
        and "rewards are rules (visual_rft.reward); leave it out",
        "algorithm.adv_estimator": _without_estimator(config),
        "actor_rollout_ref.rollout.n": rollout["n"] < 2
        and config["algorithm"]["adv_estimator"] not in _WITHOUT_GROUPS
        and "an answer is compared with others of its group, which here has one; set it to 2 or more",
        **{
            f"actor_rollout_ref.rollout.{key}": alike
            and "all answers of a group would be the same, so that none is better than another; leave it out"
            for key, alike in (
                ("temperature", not rollout["temperature"] > 0),
                ("top_k", rollout["top_k"] == 1),
                ("top_p", not 0 < rollout["top_p"] <= 1),
            )
        },
    }
    for key, why in refused.items():
        if why:
            raise UserError(f"{key} is not supported: {why}")


def _without_estimator(config: Mapping[str, Any]) -> str:
    """Say why there are no advantages by the estimator that is asked for; empty where there are."""
    name, others = config["algorithm"]["adv_estimator"], "use algo=paper, dapo, gdpo or dr_grpo"
    if name == "gae" or config["critic"]["enable"]:
        return f"gae needs a critic, which there is none of; {others}"
    if name == "remax":
        return f"remax needs a greedy answer beside the others, which nobody samples; {others}"
    if name in ("gdpo", "optimal_token_baseline", "tir_optimal_token_baseline"):
        return f"{name} needs what our trainer does not compute; {others}"
    external = (config["actor_rollout_ref"]["model"] or {}).get("external_lib")  # which may bring one
    return "" if name in _ESTIMATORS or external else f"{name} is not known; {others}"


def _reward(config: Mapping[str, Any]) -> str | dict[str, Any]:
    reward: Any = config["visual_rft"]["reward"]
    if not isinstance(reward, str):
        from omegaconf import OmegaConf

        reward = OmegaConf.to_object(reward) if OmegaConf.is_config(reward) else reward
    found: str | dict[str, Any] = reward
    return found


def _check_gdpo(config: Mapping[str, Any], loaded: Reward) -> None:
    if config["algorithm"].get("use_kl_in_reward"):
        raise UserError(
            "algo=gdpo normalises the components of the reward, which algorithm.use_kl_in_reward=true is not one of; "
            "use actor_rollout_ref.actor.use_kl_loss=true"
        )
    if not loaded.weights:
        raise UserError(
            f"algo=gdpo: reward {loaded.name!r} does not say which components it sums with which weights; "
            "compose one (REWARD='iou=1,format=0.5'), or declare `weights`: docs/rewards.md"
        )
