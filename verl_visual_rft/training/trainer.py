# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""veRL's synchronous trainer, with what a person wants to see of every step and without its idle waiting."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from verl_visual_rft.training.failures import raise_failures

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
    import transfer_queue as tq
    from omegaconf import open_dict

    def _reward_infos(keys: list[str], partition_id: str) -> list[dict[str, Any]]:
        rows = tq.kv_batch_get(keys=keys, partition_id=partition_id, select_fields=["extra_fields"])
        return [fields["reward_extra_info"] for fields in rows["extra_fields"]]

    class VisualRFTTrainer(trainer_sync.PPOTrainerSync):  # type: ignore[name-defined]
        """`PPOTrainerSync` that logs reward components of every training step and polls without long sleeps."""

        def __init__(self, config: Any) -> None:
            # Six branches of veRL 0.9.1 compare the mode with "sync" (trainer_base.py:129 and others).
            with open_dict(config):
                config.trainer.v1.trainer_mode = "sync"
            super().__init__(config)

        def _build_replay_buffer(self) -> Any:
            # veRL sleeps 2.0 s between looks at the finished rollouts (replay_buffer.py:144), which no option changes.
            buffer = super()._build_replay_buffer()
            buffer.poll_interval = self.config.visual_rft.poll_interval
            sample = buffer.sample  # the one way by which training and validation get responses

            def sample_scored(*args: Any, **kwargs: Any) -> Any:
                batch, metrics = sample(*args, **kwargs)
                raise_failures(_reward_infos(batch.keys, batch.partition_id))
                return batch, metrics

            buffer.sample = sample_scored
            return buffer

        def _compute_metrics(self, batch: Any, metrics: dict[str, Any], *args: Any, **kwargs: Any) -> None:
            super()._compute_metrics(batch, metrics, *args, **kwargs)
            kept = [key for key, tag in zip(batch.keys, batch.tags, strict=True) if not tag.get("is_padding")]
            groups = [key.rsplit("_", 2)[0] for key in kept]  # <uid of the prompt>_<session>_<index>
            metrics.update(component_statistics(_reward_infos(kept, batch.partition_id), groups))
            wanted = self.config.data.train_batch_size * self.config.actor_rollout_ref.rollout.n
            metrics["rollout/missing_sessions"] = wanted - len(kept)

    return VisualRFTTrainer
