# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Where the trainer gets finished rollouts: veRL's replay buffer without idle waiting, guarded, with a bounded filter.

veRL's group filter (DAPO's dynamic sampling) has no upper bound: it warns that ``max_num_gen_batches`` is ignored (verl
0.9.1 ``trainer_base.py:205``), and a model that always earns the same generates for ever. Selected by
``trainer.v1.sampler.custom_sampler``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer
from verl.utils.skip import SkipManager

from verl_visual_rft.errors import RewardError, UserError
from verl_visual_rft.training.guards.lost_workers import WorkerWatch
from verl_visual_rft.training.guards.rows import StoppedRows
from verl_visual_rft.training.guards.sessions import first_error
from verl_visual_rft.training.rollouts.finished_prompts import Rollouts
from verl_visual_rft.training.rollouts.responses import parse_key, rewards
from verl_visual_rft.training.scoring.failures import why_unusable


class VisualRFTReplayBuffer(ReplayBuffer):
    """veRL's replay buffer of the synchronous trainer.

    Args:
        sampler_kwargs: ``poll_interval``, seconds between looks at the rollouts until `wait_for` (veRL sleeps 2.0,
            which no option changes), and ``filter_groups``, which is ``algorithm.filter_groups``: while ``enable``,
            groups whose ``metric`` is the same for all rollouts are replaced by groups of further prompts, until
            ``max_num_gen_batches`` batches of prompts have been generated for the step, the first included.
        kwargs: As veRL gives them.
    """

    def __init__(self, *, sampler_kwargs: Any, **kwargs: Any) -> None:
        if kwargs["trainer_mode"] != "sync":  # in a configuration that nothing checked
            raise UserError(
                f"VisualRFTReplayBuffer samples synchronously, which trainer.v1.trainer_mode={kwargs['trainer_mode']} "
                "does not; set it to visual_rft"
            )
        filter_groups = sampler_kwargs.filter_groups
        super().__init__(
            sampler_kwargs=sampler_kwargs,
            poll_interval=sampler_kwargs.poll_interval,
            filter_groups_metric=filter_groups.metric if filter_groups.enable else None,
            **kwargs,
        )
        self.max_num_gen_batches = filter_groups.max_num_gen_batches
        self.saved: StoppedRows | None = None
        self._watch: WorkerWatch | None = None
        self._rollouts: Rollouts | None = None

    def guard(self, watch: WorkerWatch, saved: StoppedRows) -> None:
        """Take what the trainer has when all its workers are there: the watch over them, and where rows are saved."""
        self._watch, self.saved = watch, saved

    def wait_for(self, rollouts: Rollouts) -> None:
        """Look when a worker has finished a prompt, and no more after each interval."""
        self._rollouts, self.poll_interval = rollouts, 0.0

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, Any]]:
        """Wait for ``batch_size`` groups of a step's rollouts and take them out of the queue.

        Returns:
            The batch and metrics. ``warning/failed_sessions`` where sessions failed. With the filter,
            ``group/filtered``: groups found without variance; ``group/resampled``: prompts generated in their place;
            ``group/filled``: groups without variance that are in the batch all the same, because the bound was
            reached. They have advantage 0.

        Raises:
            RewardError: A response could not be scored, or its reward is not finite; nothing has been learnt from it.
            LostWorkerError: A worker has died.
            UserError: Every session of the step failed.
        """
        self._warnings: dict[str, Any] = {}
        if partition_id == "val" or self.filter_groups_metric is None:
            batch, metrics = super().sample(global_steps, partition_id, batch_size)
            self._check_rewards(batch.keys, partition_id, global_steps)
        else:
            batch, metrics = self._sample_filtered(global_steps, partition_id, batch_size)
        return batch, {**metrics, **self._warnings}

    @SkipManager.annotate_tq(role="rollout_tq", phase="sample")
    def _sample_filtered(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, Any]]:
        generated, most = batch_size, self.max_num_gen_batches * batch_size
        scored: set[str] = set()
        last_debug_time = time.time()
        while True:
            self._sync_metadata_from_transfer_queue()
            done = self.finished_keys[partition_id] | self.failure_keys[partition_id]
            self._check_rewards(self._responses_of(done - scored, partition_id), partition_id, global_steps)
            scored = done
            flat, _ = self._dapo_filtered_keys(partition_id)
            in_flight = len(self.pending_keys[partition_id]) + len(self.running_keys[partition_id])
            # One prompt for each group that falls out, at once: no surplus is generated, and every prompt in flight is
            # waited for, so short answers have no better chance to be trained on.
            missing = min(batch_size - len(done - flat) - in_flight, most - generated)
            if missing > 0:
                self.refill_fn(missing)
                generated += missing
            elif in_flight == 0:
                break
            else:
                last_debug_time = self._wait_for_next_poll(partition_id, last_debug_time)
        kept = sorted(done - flat)
        filling = sorted(flat)[: batch_size - len(kept)]
        self._clear_groups(partition_id, flat - set(filling))
        self._check_sessions(partition_id, kept + filling)
        batch = self._materialize_batch(partition_id, kept + filling, dict(self.partitions[partition_id]))
        return batch, {
            "group/filtered": len(flat),
            "group/resampled": generated - batch_size,
            "group/filled": len(filling),
        }

    def _wait_for_next_poll(self, partition_id: str, last_debug_time: float) -> float:
        if self._watch is not None:
            self._watch.check()
        if self._rollouts is not None:
            self._rollouts.wait()
        waited: float = super()._wait_for_next_poll(partition_id, last_debug_time)
        return waited

    def _select_prompt_uids(self, partition_id: str, sampleable_keys: set[str], batch_size: int) -> Any:
        selected = super()._select_prompt_uids(partition_id, sampleable_keys, batch_size)
        self._check_sessions(partition_id, selected[0])
        return selected

    def _materialize_batch(
        self, partition_id: str, selected_prompt_uids: list[str], partition_snapshot: dict[str, dict[str, Any]]
    ) -> Any:
        """Take responses in the order in which their prompts were sent.

        veRL takes them as they were stored, which is when they came: how busy the machine is would decide which rows
        share a micro-batch, and with it the last digits of every update.
        """
        place = {uid: number for number, uid in enumerate(self.prompt_global_steps[partition_id])}

        def sent(key: str) -> tuple[int, int, str]:
            prompt, session = parse_key(key)
            return place.get(prompt, -1), session, key

        ordered = {key: partition_snapshot[key] for key in sorted(partition_snapshot, key=sent)}
        return super()._materialize_batch(partition_id, selected_prompt_uids, ordered)

    def _check_sessions(self, partition_id: str, prompts: list[str]) -> None:
        """Say that sessions failed, and end the run if all did."""
        failed = self.failure_keys[partition_id].intersection(prompts)
        if not failed:
            return
        error = first_error(failed, partition_id)
        if not self._responses_of(prompts, partition_id):
            if self._watch is not None:
                self._watch.check_again()
            raise UserError(f"every session of the step failed; the first error: {error}")
        print(
            f"visual-rft: sessions of {len(failed)} of {len(prompts)} prompts failed; the first error: {error}",
            flush=True,
        )
        self._warnings["warning/failed_sessions"] = 1

    def _check_rewards(self, keys: list[str], partition_id: str, global_steps: int) -> None:
        unusable = {
            key: why
            for key, (info, score) in zip(keys, rewards(keys, partition_id), strict=True)
            if (why := why_unusable(info, score))
        }
        if not unusable:
            return
        first, *details = next(iter(unusable.values())).split("\n", 1)
        message = f"a response could not be scored: {first}"
        if self.saved is not None:
            message += f"; the {len(unusable)} rows: {self.saved.save(first, global_steps, [*unusable], partition_id)}"
        raise RewardError("\n".join([message, *details]))

    def _responses_of(self, prompts: Iterable[str], partition_id: str) -> list[str]:
        wanted = set(prompts)
        return [key for key in self.partitions[partition_id] if parse_key(key)[0] in wanted]
