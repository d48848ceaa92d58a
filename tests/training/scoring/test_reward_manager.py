# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the reward manager on single responses, as veRL's reward loop hands them to it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from transformers import AutoTokenizer
from verl import DataProto

from verl_visual_rft.errors import RewardError, UserError
from verl_visual_rft.miniature.pretraining import TINY_MODEL
from verl_visual_rft.training.scoring.failures import why_unusable
from verl_visual_rft.training.scoring.reward_manager import VisualRFTRewardManager

TOKENIZER = AutoTokenizer.from_pretrained(TINY_MODEL)
RESPONSE = "<think> a cat </think> <answer>[{'Position': [0, 0, 100, 80], 'Confidence': 0.8}]</answer>"  # IoU 0.8


def manager(steps: int | None = None, **settings: Any) -> VisualRFTRewardManager:
    ours = {"reward": "paper", "reward_timeout": 60, "on_reward_error": "stop", "tau": "fixed"} | settings
    config = OmegaConf.create({"visual_rft": ours, "trainer": {"total_training_steps": steps}})
    return VisualRFTRewardManager(config, TOKENIZER, None)


def responded(response: str, step: int = 1, validate: bool = False, **truth: Any) -> DataProto:
    ids = torch.tensor([TOKENIZER(response)["input_ids"]])
    row = {
        "ability": "detection",
        "data_source": "coco",
        "reward_model": {"ground_truth": json.dumps({"boxes": [[0, 0, 100, 100]], **truth})},
        "extra_info": {"split": "train", "index": 3, "reward": None},
        "global_steps": step,
        "validate": validate,
    }
    return DataProto.from_dict(
        tensors={"responses": ids, "attention_mask": torch.ones_like(ids)},
        non_tensors={key: np.array([value], dtype=object) for key, value in row.items()},
    )


def result(scorer: VisualRFTRewardManager, data: DataProto) -> dict[str, Any]:
    return dict(asyncio.run(scorer.run_single(data))["reward_extra_info"])


def test_tau_rises_with_the_step_and_is_reported() -> None:
    scorer = manager(steps=5, tau="curriculum")
    results = [result(scorer, responded(RESPONSE, step)) for step in (1, 2, 3, 4, 5)]
    assert [found["tau"] for found in results] == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9])
    assert [found["iou"] for found in results] == pytest.approx([0.8, 0.8, 0.8, 0.8, 0])


def test_validation_keeps_the_rewards_own_tau_at_every_step() -> None:
    scorer = manager(steps=5, tau="curriculum")
    found = result(scorer, responded(RESPONSE, step=5, validate=True))
    assert found["iou"] == pytest.approx(0.8)
    assert "tau" not in found


def test_rows_that_do_not_say_whether_they_are_of_validation_end_the_run() -> None:
    data = responded(RESPONSE)
    del data.non_tensor_batch["validate"]
    scorer = manager(steps=5, tau="curriculum")
    why = why_unusable(result(scorer, data), 0.0)
    assert re.fullmatch(r"row of coco \(split train, index 3\): .* needs the agent loop of this package.*", why)
    assert "tau" not in result(manager(), data)


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("ability", ..., "has no ability, by which"),
        ("ability", None, "has no ability, by which"),
        ("reward_model", ..., "has no reward_model.ground_truth, by which"),
        ("reward_model", None, "has no reward_model.ground_truth, by which"),
        ("reward_model", {"style": "rule"}, "has no reward_model.ground_truth, by which"),
        ("reward_model", {"ground_truth": None}, "has no reward_model.ground_truth, by which"),
        ("ability", "dreaming", "unknown task 'dreaming'"),
    ],
)
@pytest.mark.parametrize("reward", ["paper", "reference"])  # scored here, and in a process of its own
def test_a_row_without_what_it_is_scored_by_ends_the_run_and_is_named(
    column: str, value: Any, named: str, reward: str
) -> None:
    data = responded(RESPONSE)
    if value is ...:
        del data.non_tensor_batch[column]
    else:
        data.non_tensor_batch[column] = np.array([value], dtype=object)
    scorer = manager(reward=reward, on_reward_error="zero")  # of a reward, not of the data
    why = why_unusable(result(scorer, data), 0.0)
    assert why.startswith(f"row of coco (split train, index 3): {named}")


def test_a_fixed_tau_is_not_reported() -> None:
    assert "tau" not in result(manager(), responded(RESPONSE, step=5))


def test_a_row_that_asks_for_the_answer_alone_is_paid_for_that() -> None:
    bare = RESPONSE[RESPONSE.index("<answer>") :]
    formats = [
        result(manager(), responded(text, think=think))["format"]
        for text in (RESPONSE, bare)
        for think in (False, True)
    ]
    assert formats == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tau": "rising"}, "visual_rft.tau=rising: use fixed or curriculum"),
        ({"tau": "curriculum"}, "needs trainer.total_training_steps"),
        ({"tau": "curriculum", "steps": 5, "reward": "format=1,count=1"}, "reward 'format=1,count=1' has no tau"),
    ],
)
def test_a_curriculum_that_cannot_be_ends_the_run_at_its_start(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        manager(**settings)


def test_after_the_first_failure_those_that_wait_are_not_scored(monkeypatch) -> None:
    scorer, scored = manager(), []

    async def hangs(row: Any, response: str) -> dict[str, float]:
        scored.append(response)
        await asyncio.sleep(0.05)
        raise RewardError("did not return within 60 s")

    async def batch() -> list[dict[str, Any]]:
        return await asyncio.gather(*(scorer.run_single(responded(RESPONSE)) for _ in range(3)))

    monkeypatch.setattr(scorer, "_score", hangs)
    found = asyncio.run(batch())
    assert len(scored) == 1
    assert all("did not return" in why_unusable(one["reward_extra_info"], 0.0) for one in found)
