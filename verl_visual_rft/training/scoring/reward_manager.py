# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Our rewards behind veRL's reward loop (verl 0.9.1 ``experimental/reward_loop``)."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf
from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase

from verl_visual_rft.datasets.stored_rows import ground_truth
from verl_visual_rft.errors import RewardError, UserError
from verl_visual_rft.rewards import Reward, load_reward, score
from verl_visual_rft.rewards.curriculum import tau_at
from verl_visual_rft.training.guards.rows import row_name
from verl_visual_rft.training.scoring.custom_function import CustomFunction, custom_function
from verl_visual_rft.training.scoring.failures import ON_REWARD_ERROR, failure
from verl_visual_rft.training.scoring.isolation import IsolatedScorer

logger = logging.getLogger(__name__)

#: What ``visual_rft.tau`` may be.
TAU = ("fixed", "curriculum")


class VisualRFTRewardManager(RewardManagerBase):
    """Score each response with the reward that ``visual_rft.reward`` names, or that its row names.

    A row's task is its ``ability`` column; ``extra_info.reward`` overrides the reward of the run, for mixed-task data.
    Where the user brings a function as veRL has it (``reward.custom_reward_function``), it scores all rows.
    Every component goes to ``reward_extra_info``, from where training and validation log it.

    A row whose truth cannot be read ends the run. So does a reward of another package that fails
    (``visual_rft.on_reward_error=stop``), unless the user chose to go on with a counted 0 (``zero``).

    With ``visual_rft.tau=curriculum`` the reward's tau rises over the run (`tau_at`), and each training response
    reports its ``tau``. Validation is always scored at the reward's own: its curve means the same at every step.
    """

    def __init__(self, config: Any, tokenizer: Any, compute_score: Any, **kwargs: Any) -> None:
        super().__init__(config, tokenizer, compute_score)
        settings = config.visual_rft
        if settings.on_reward_error not in ON_REWARD_ERROR:
            raise UserError(
                f"visual_rft.on_reward_error={settings.on_reward_error}: use {' or '.join(ON_REWARD_ERROR)}"
            )
        self.on_error = settings.on_reward_error
        self.reward: Any = settings.reward  # a name or composition, or a mapping of names to weights
        if not isinstance(self.reward, str):
            self.reward = OmegaConf.to_object(self.reward)
        self.function = custom_function(config)
        loaded = load_reward(self.reward)  # an unknown name stops the run here, before training
        self.curriculum_steps = _curriculum_steps(config, loaded)
        self.isolated = IsolatedScorer(self.reward, settings.reward_timeout)
        self.failed: dict[str, Any] | None = None  # what ends the run; the responses after it need not be scored
        self.turn = asyncio.Lock()  # of those that wait each would take `reward_timeout` to fail

    async def run_single(self, data: Any) -> dict[str, Any]:
        """Return the score and components of the one response in ``data`` (of several outputs, the last)."""
        item = data[-1:][0]
        response_ids = item.batch["responses"]
        length = int(item.batch["attention_mask"][-response_ids.shape[-1] :].sum())
        return await self.run_response(item.non_tensor_batch, response_ids[:length])

    def is_trusted(self, row: Mapping[str, Any]) -> bool:
        """Whether a response to this row is scored by rules of this package, which return at once."""
        return self.function is None and load_reward(self._reward_of(row)).trusted

    async def run_response(self, row: Mapping[str, Any], response_ids: Any) -> dict[str, Any]:
        """Return the score and components of one response.

        Args:
            row: Columns of its row.
            response_ids: Its token ids, without padding.
        """
        async with self.turn:
            if self.failed or not await self._is_awaited(row):
                return self.failed or await self._run(row, response_ids)
        return await self._run(row, response_ids)  # beside others: it waits for a server

    async def _is_awaited(self, row: Mapping[str, Any]) -> bool:
        try:
            return self.function is not None and await self.isolated.is_async(self.function)
        except UserError as error:
            self.failed = failure(f"{row_name(row)}: {error}")
            return False

    async def _run(self, row: Mapping[str, Any], response_ids: Any) -> dict[str, Any]:
        response = self.tokenizer.decode(response_ids, skip_special_tokens=True)
        try:
            components = await self._score(row, response)
        except RewardError as error:
            if self.on_error == "zero":
                logger.warning("scored 0: %s\n%s", row_name(row), error)
                return {"reward_score": 0.0, "reward_extra_info": {"score": 0.0, "failed": 1.0}}
            details = f"response: {response[:500]!r}\n{''.join(traceback.format_exception(error))}"
            self.failed = failure(f"{row_name(row)}: {str(error).splitlines()[0]}", details)
            return self.failed
        except UserError as error:
            self.failed = failure(f"{row_name(row)}: {error}")
            return self.failed
        if self.on_error == "zero":
            components["failed"] = 0.0
        if (tau := self._tau(row)) is not None:
            components["tau"] = tau
        return {"reward_score": components["score"], "reward_extra_info": components}

    def _reward_of(self, row: Mapping[str, Any]) -> Any:
        return (row.get("extra_info") or {}).get("reward") or self.reward

    async def _score(self, row: Mapping[str, Any], response: str) -> dict[str, float]:
        if self.function:
            return await self._score_by(self.function, row, response)
        extra_info = row.get("extra_info") or {}
        reward = self._reward_of(row)
        task, truth = _task_and_truth(row)
        width, height = extra_info.get("width"), extra_info.get("height")
        arguments: dict[str, Any] = {
            "task": task,
            "response": response,
            "ground_truth": truth,
            "reward": reward,
            "image_size": (int(width), int(height)) if width and height else None,
            "extra_info": extra_info,
            "tau": self._tau(row),
        }
        if load_reward(reward).trusted:
            return score(**arguments)
        return await self.isolated.score(**arguments)

    async def _score_by(self, function: CustomFunction, row: Mapping[str, Any], response: str) -> dict[str, float]:
        arguments = {
            "data_source": row.get("data_source"),
            "solution_str": response,
            "ground_truth": (row.get("reward_model") or {}).get("ground_truth"),
            "extra_info": row.get("extra_info") or {},
        }
        return await self.isolated.score(function, **arguments)

    def _tau(self, row: Mapping[str, Any]) -> float | None:
        """Return the tau that the curriculum prescribes for a row; None where it prescribes none."""
        if self.curriculum_steps is None:
            return None
        if "validate" not in row:
            raise UserError("visual_rft.tau=curriculum needs the agent loop of this package, which knows validation")
        if row["validate"]:
            return None
        return tau_at(int(row["global_steps"]), self.curriculum_steps)


def _task_and_truth(row: Mapping[str, Any]) -> tuple[str, Any]:
    task, truth = row.get("ability"), ground_truth(row)
    missing = [name for name, it in (("ability", task), ("reward_model.ground_truth", truth)) if it is None]
    if missing:
        raise UserError(
            f"has no {' and no '.join(missing)}, by which it is scored; `visual-rft data validate` on the parquet file "
            "names every row that lacks something"
        )
    return str(task), truth


def _curriculum_steps(config: Any, reward: Reward) -> int | None:
    """Return the number of steps over which tau rises; None where it is fixed.

    Raises:
        UserError: The setting is unknown, the reward has no tau, or the number of steps is not known.
    """
    tau = config.visual_rft.tau
    if tau not in TAU:
        raise UserError(f"visual_rft.tau={tau}: use {' or '.join(TAU)}")
    if tau == "fixed":
        return None
    if not reward.follows_tau:
        raise UserError(f"visual_rft.tau=curriculum: reward {reward.name!r} has no tau; use robust, paper, iou or f1")
    if not config.trainer.total_training_steps:
        raise UserError("visual_rft.tau=curriculum needs trainer.total_training_steps, the steps over which tau rises")
    return int(config.trainer.total_training_steps)
