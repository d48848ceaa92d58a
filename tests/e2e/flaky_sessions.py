# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rollout workers whose sessions fail: those that ``VISUAL_RFT_TEST_FAILING`` numbers ("0", "0 1 2 3")."""

import os

import ray

from verl_visual_rft.training.rollouts.agent_loop import VisualRFTAgentLoopManager, VisualRFTAgentLoopWorker


class FlakyWorker(VisualRFTAgentLoopWorker):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)

    async def _agent_loop_postprocess(self, output, validate, **kwargs):
        if str(kwargs["session_id"]) in os.environ["VISUAL_RFT_TEST_FAILING"].split() and not validate:
            raise OSError("broken on purpose")
        return await super()._agent_loop_postprocess(output, validate, **kwargs)


class FlakyManager(VisualRFTAgentLoopManager):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.agent_loop_workers_class = ray.remote(FlakyWorker)
