# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""veRL's synchronous trainer, with what a person wants to see of every step, and with GDPO."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import verl_visual_rft.training.config  # noqa: F401  # what the configuration computes with, as veRL resolves it here
from verl_visual_rft.rewards import load_reward
from verl_visual_rft.training.algorithms.checks import check_algorithm
from verl_visual_rft.training.modes import TRAINER_MODE
from verl_visual_rft.training.stopping import is_asked_to_stop


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


def _trainer_class(trainer_sync: ModuleType) -> type:
    from omegaconf import OmegaConf, open_dict

    from verl_visual_rft.training.algorithms import advantages
    from verl_visual_rft.training.checkpoints import grpo as checkpoints
    from verl_visual_rft.training.checkpoints.folders import name_of
    from verl_visual_rft.training.engine import one_update
    from verl_visual_rft.training.engine.batches import lay_out
    from verl_visual_rft.training.guards.lost_workers import workers_of
    from verl_visual_rft.training.guards.non_finite import rows_saved
    from verl_visual_rft.training.guards.rows import StoppedRows, run_folder
    from verl_visual_rft.training.monitoring.monitor import Monitor
    from verl_visual_rft.training.rollouts.pictures import storage as pictures
    from verl_visual_rft.training.rollouts.responses import columns_of, prompts_of, reward_infos

    class VisualRFTTrainer(trainer_sync.PPOTrainerSync):  # type: ignore[name-defined]
        """`PPOTrainerSync` that logs reward components of every training step."""

        def __init__(self, config: Any) -> None:
            check_algorithm(config)
            # Six branches of veRL 0.9.1 compare the mode with "sync" (trainer_base.py:129 and others).
            with open_dict(config):
                config.trainer.v1.trainer_mode = "sync"
                if one_update.wants_no_old_log_probs(config):
                    config.algorithm.rollout_correction = None  # its metrics, all that it is then, come of the update
            super().__init__(config)
            self.monitor = Monitor(self)

        def _init_dataloader(self) -> None:
            super()._init_dataloader()
            # veRL ends with the epochs too, and then does not save its last step (verl 0.9.1 trainer_base.py:467).
            by_epochs = self.steps_per_epoch * self.config.trainer.total_epochs
            self.total_training_steps: int = min(self.total_training_steps, by_epochs)

        def fit(self, agent_loop_manager: Any) -> None:
            self.run = run_folder(self.config.trainer.default_local_dir)
            saved = StoppedRows(self.run, self.tokenizer)
            with workers_of(self, agent_loop_manager) as self.watch:
                self.replay_buffer.guard(self.watch, saved)
                if hasattr(agent_loop_manager, "rollouts"):
                    self.replay_buffer.wait_for(agent_loop_manager.rollouts())
                super().fit(agent_loop_manager)

        def _balance_batch(self, batch: Any, metrics: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            batch = super()._balance_batch(batch, metrics, *args, **kwargs)
            n_ranks = max(self.actor_rollout_wg._dispatch_info["actor"]) + 1
            self.layout = lay_out(batch, self.config, n_ranks, metrics)
            return batch

        def _compute_old_log_prob(self, batch: Any, metrics: dict[str, Any]) -> Any:
            if one_update.is_one_update(self.config, len(batch)):
                return batch
            batch.extra_info |= self.layout
            return super()._compute_old_log_prob(batch, metrics)

        def _compute_ref_log_prob(self, batch: Any, metrics: dict[str, Any]) -> Any:
            batch.extra_info |= self.layout
            return super()._compute_ref_log_prob(batch, metrics)

        def _update_actor(self, batch: Any, metrics: dict[str, Any]) -> Any:
            own = batch.extra_info[one_update.OWN_LOG_PROBS] = one_update.is_one_update(self.config, len(batch))
            batch.extra_info |= self.layout
            with rows_saved(self.replay_buffer.saved, self.global_steps, batch):
                updated = super()._update_actor(batch, metrics)
            if own:
                one_update.name_metrics_of_pass(metrics)
            pictures.clear(self.global_steps)
            return updated

        def _load_checkpoint(self) -> None:
            checkpoints.load(self, super()._load_checkpoint)

        def _save_checkpoint(self) -> None:
            with self.watch.checkpoint:
                checkpoints.save(self, super()._save_checkpoint)

        def _validate(self) -> Any:
            metrics = super()._validate()
            checkpoints.validated(self, metrics)
            return metrics

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

        def _maybe_log_val_generations(self, inputs: Any, outputs: Any, scores: Any) -> None:
            super()._maybe_log_val_generations(inputs, outputs, scores)
            self.monitor.validated_responses(outputs)

        def _val_metrics_update(self, sources: Any, uids: Any, *args: Any, expected_acc_counts: Any) -> dict[str, Any]:
            metrics = super()._val_metrics_update(sources, uids, *args, expected_acc_counts=expected_acc_counts)
            return self.monitor.validation(metrics, uids, expected_acc_counts)

        def _compute_metrics(self, batch: Any, metrics: dict[str, Any], *args: Any, **kwargs: Any) -> None:
            super()._compute_metrics(batch, metrics, *args, **kwargs)
            self.monitor.step(batch, metrics)
            self._stop_where_asked()

        def _stop_where_asked(self) -> None:
            """Have this step be the last one, and saved, where the launcher was sent SIGTERM."""
            if self.global_steps < self.total_training_steps and is_asked_to_stop(self.run):
                if not (Path(self.config.trainer.default_local_dir) / name_of(self.global_steps)).exists():
                    self._save_checkpoint()
                self.total_training_steps = self.global_steps

    return VisualRFTTrainer
