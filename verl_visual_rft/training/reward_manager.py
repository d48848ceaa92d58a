# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Our rewards behind veRL's reward loop (verl 0.9.1 ``experimental/reward_loop``)."""

from __future__ import annotations

from typing import Any

from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase

from verl_visual_rft.rewards import load_reward, score


class VisualRFTRewardManager(RewardManagerBase):
    """Score each response with the reward that ``visual_rft.reward`` names, or that its row names.

    A row's task is its ``ability`` column; ``extra_info.reward`` overrides the reward of the run, for mixed-task data.
    Every component goes to ``reward_extra_info``, from where training and validation log it.
    """

    def __init__(self, config: Any, tokenizer: Any, compute_score: Any, **kwargs: Any) -> None:
        super().__init__(config, tokenizer, compute_score)
        self.reward = config.visual_rft.reward
        load_reward(self.reward)  # an unknown name stops the run here, before training

    async def run_single(self, data: Any) -> dict[str, Any]:
        """Return the score and components of the one response in ``data`` (of several outputs, the last)."""
        item = data[-1:][0]
        row = item.non_tensor_batch
        response_ids = item.batch["responses"]
        length = int(item.batch["attention_mask"][-response_ids.shape[-1] :].sum())
        response = self.tokenizer.decode(response_ids[:length], skip_special_tokens=True)
        components = score(
            row["ability"],
            response,
            row["reward_model"]["ground_truth"],
            reward=(row.get("extra_info") or {}).get("reward") or self.reward,
        )
        return {"reward_score": components["score"], "reward_extra_info": components}
