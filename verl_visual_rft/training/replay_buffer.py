# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Where the trainer gets finished rollouts: veRL's replay buffer without idle waiting, with a bounded filter.

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

from verl_visual_rft.errors import UserError
from verl_visual_rft.training.failures import raise_failures
from verl_visual_rft.training.responses import reward_infos


class VisualRFTReplayBuffer(ReplayBuffer):
    """veRL's replay buffer of the synchronous trainer.

    Args:
        sampler_kwargs: ``poll_interval``, seconds between looks at the rollouts (veRL sleeps 2.0, which no option
            changes), and ``filter_groups``, which is ``algorithm.filter_groups``: while ``enable``, groups whose
            ``metric`` is the same for all rollouts are replaced by groups of further prompts, until
            ``max_num_gen_batches`` batches of prompts have been generated for the step, the first included.
        kwargs: As veRL gives them.
    """

    def __init__(self, *, sampler_kwargs: Any, **kwargs: Any) -> None:
        filter_groups = sampler_kwargs.filter_groups
        super().__init__(
            sampler_kwargs=sampler_kwargs,
            poll_interval=sampler_kwargs.poll_interval,
            filter_groups_metric=filter_groups.metric if filter_groups.enable else None,
            **kwargs,
        )
        self.max_num_gen_batches = filter_groups.max_num_gen_batches

    def sample(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, Any]]:
        """Wait for ``batch_size`` groups of a step's rollouts and take them out of the queue.

        Returns:
            The batch and metrics. With the filter, ``group/filtered``: groups found without variance;
            ``group/resampled``: prompts generated in their place; ``group/filled``: groups without variance that are in
            the batch all the same, because the bound was reached. They have advantage 0.

        Raises:
            RewardError: A response could not be scored; nothing has been learnt from the batch.
        """
        if partition_id == "val" or self.filter_groups_metric is None:
            batch, metrics = super().sample(global_steps, partition_id, batch_size)
            raise_failures(reward_infos(batch.keys, partition_id))
            return batch, metrics
        sampled: tuple[Any, dict[str, Any]] = self._sample_filtered(global_steps, partition_id, batch_size)
        return sampled

    @SkipManager.annotate_tq(role="rollout_tq", phase="sample")
    def _sample_filtered(self, global_steps: int, partition_id: str, batch_size: int) -> tuple[Any, dict[str, Any]]:
        generated, most = batch_size, self.max_num_gen_batches * batch_size
        scored: set[str] = set()
        last_debug_time = time.time()
        while True:
            self._sync_metadata_from_transfer_queue()
            done = self.finished_keys[partition_id] | self.failure_keys[partition_id]
            raise_failures(reward_infos(self._responses_of(done - scored, partition_id), partition_id))
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
        batch = self._materialize_batch(partition_id, kept + filling, dict(self.partitions[partition_id]))
        if not batch.keys:
            raise UserError(
                "no prompt of the step has a response that could be scored; the errors are above in the log"
            )
        return batch, {
            "group/filtered": len(flat),
            "group/resampled": generated - batch_size,
            "group/filled": len(filling),
        }

    def _responses_of(self, prompts: Iterable[str], partition_id: str) -> list[str]:
        wanted = set(prompts)
        return [key for key in self.partitions[partition_id] if key.split("_")[0] in wanted]
