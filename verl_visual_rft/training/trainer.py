# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""veRL's synchronous trainer, with what a person wants to see of every step, and with GDPO."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from verl_visual_rft.rewards import load_reward
from verl_visual_rft.training.algorithms.checks import check_algorithm

#: ``trainer.v1.trainer_mode`` that selects the trainer.
TRAINER_MODE = "visual_rft"


def register_trainer(trainer_base: ModuleType) -> None:
    """Register the trainer with veRL under `TRAINER_MODE`, once ``trainer_base`` is loaded.

    veRL looks a trainer up by name in the process that trains; the class itself is only built when
    ``verl.trainer.ppo.v1.trainer_sync``, its parent, is imported next.
    """
    import wrapt

    wrapt.register_post_import_hook(
        lambda trainer_sync: trainer_base.register_trainer(TRAINER_MODE)(_trainer_class(trainer_sync)),
        "verl.trainer.ppo.v1.trainer_sync",
    )


def component_statistics(infos: Iterable[Mapping[str, Any]], groups: Iterable[str]) -> dict[str, float]:
    """Mean and spread of every numeric reward component over the responses of one step.

    Args:
        infos: ``reward_extra_info`` of each response.
        groups: The prompt each response belongs to (veRL's uid).

    Returns:
        ``reward/<component>/mean`` and ``/std`` (population) for each component, and
        ``group/zero_std_frac``: the share of groups whose scores are all equal and so teach nothing.

    Example:
        >>> component_statistics([{"score": 1.0}, {"score": 0.0}], ["a", "a"])["reward/score/mean"]
        0.5
    """
    values: dict[str, list[float]] = defaultdict(list)
    scores: dict[str, list[float]] = defaultdict(list)
    for info, group in zip(infos, groups, strict=True):
        for name, value in info.items():
            if isinstance(value, (bool, int, float)) and math.isfinite(value):
                values[name].append(float(value))
        if "score" in info:
            scores[group].append(float(info["score"]))
    metrics = {}
    for name, column in values.items():
        metrics[f"reward/{name}/mean"] = statistics.fmean(column)
        metrics[f"reward/{name}/std"] = statistics.pstdev(column)
    if scores:
        metrics["group/zero_std_frac"] = sum(max(s) == min(s) for s in scores.values()) / len(scores)
    return metrics


def _trainer_class(trainer_sync: ModuleType) -> type:
    from omegaconf import OmegaConf, open_dict

    from verl_visual_rft.training.algorithms import advantages
    from verl_visual_rft.training.responses import columns_of, prompts_of, reward_infos

    class VisualRFTTrainer(trainer_sync.PPOTrainerSync):  # type: ignore[name-defined]
        """`PPOTrainerSync` that logs reward components of every training step."""

        def __init__(self, config: Any) -> None:
            check_algorithm(config)
            # Six branches of veRL 0.9.1 compare the mode with "sync" (trainer_base.py:129 and others).
            with open_dict(config):
                config.trainer.v1.trainer_mode = "sync"
            super().__init__(config)

        def _compute_advantage(self, batch: Any, metrics: dict[str, Any]) -> Any:
            if self.config.algorithm.adv_estimator != advantages.GDPO:
                return super()._compute_advantage(batch, metrics)
            with advantages.advantages_of_batch(self._gdpo_advantages(batch, metrics)):
                return super()._compute_advantage(batch, metrics)

        def _gdpo_advantages(self, batch: Any, metrics: dict[str, Any]) -> Any:
            """Return the advantage of each response of the batch; padding has 0 and counts nowhere."""
            import torch

            kept = [i for i, tag in enumerate(batch.tags) if not tag.get("is_padding")]
            keys = [batch.keys[i] for i in kept]
            tasks, rows = columns_of(keys, batch.partition_id, "ability", "extra_info")
            epsilon = self.config.algorithm.grpo_epsilon
            by_component = advantages.component_advantages(
                reward_infos(keys, batch.partition_id),
                [self._weights(task, row) for task, row in zip(tasks, rows, strict=True)],
                prompts_of(keys),
                epsilon,
            )
            metrics.update({f"advantage/{name}/abs_mean": float(a.abs().mean()) for name, a in by_component.items()})
            total = advantages.normalised_over_batch(torch.stack(list(by_component.values())).sum(0), epsilon)
            return torch.zeros(len(batch.keys)).index_copy_(0, torch.tensor(kept), total)

        def _weights(self, task: str, extra_info: Mapping[str, Any]) -> Mapping[str, float]:
            reward: Any = extra_info.get("reward") or self.config.visual_rft.reward
            reward = OmegaConf.to_object(reward) if OmegaConf.is_config(reward) else reward
            return load_reward(reward).weights_of(task)

        def _compute_metrics(self, batch: Any, metrics: dict[str, Any], *args: Any, **kwargs: Any) -> None:
            super()._compute_metrics(batch, metrics, *args, **kwargs)
            kept = [key for key, tag in zip(batch.keys, batch.tags, strict=True) if not tag.get("is_padding")]
            metrics.update(component_statistics(reward_infos(kept, batch.partition_id), prompts_of(kept)))
            wanted = self.config.data.train_batch_size * self.config.actor_rollout_ref.rollout.n
            metrics["rollout/missing_sessions"] = wanted - len(kept)

    return VisualRFTTrainer
