# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""veRL's own way to bring a reward scores the responses of our trainings."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from transformers import AutoTokenizer
from verl import DataProto

from verl_visual_rft.errors import UserError
from verl_visual_rft.miniature.pretraining import TINY_MODEL
from verl_visual_rft.training.scoring.custom_function import check_loads, custom_function
from verl_visual_rft.training.scoring.failures import why_unusable
from verl_visual_rft.training.scoring.reward_manager import VisualRFTRewardManager

TOKENIZER = AutoTokenizer.from_pretrained(TINY_MODEL)
TRUTH = json.dumps({"boxes": [[0, 0, 100, 100]]})
ROW = {
    "ability": "detection",
    "data_source": "coco",
    "reward_model": {"ground_truth": TRUTH},
    "extra_info": {"split": "train", "index": 3},
}
FILE = """
import asyncio, os, re, time

def seven(data_source, solution_str, ground_truth, extra_info):
    return 7.0

def parts(data_source, solution_str, ground_truth, extra_info, weight=1, **kwargs):
    scores = {"score": weight * len(solution_str), "row": extra_info["index"]}
    return scores | {"source": data_source, "said": ground_truth}

async def judged(data_source, solution_str, ground_truth, extra_info):
    await asyncio.sleep(0.05)
    return {"score": 2, "right": True}

async def never(data_source, solution_str, ground_truth, extra_info):
    await asyncio.sleep(60)

async def blocks(data_source, solution_str, ground_truth, extra_info):
    time.sleep(60 if solution_str == "a" else 0)
    return 1

async def blocks_in_c(data_source, solution_str, ground_truth, extra_info):
    return float(bool(re.match(r"(a+)+$", "a" * 60 + "b")))

async def ends_its_process(data_source, solution_str, ground_truth, extra_info):
    os._exit(0)

async def forks(data_source, solution_str, ground_truth, extra_info, log):
    with open(log, "a") as file:
        file.write("called ")
    os.fork()
    return 3

async def writes_to_all_files(data_source, solution_str, ground_truth, extra_info):
    for number in range(3, 1000):
        try:
            os.write(number, b'[0, "scored", {"score": 9}]' + bytes([10]))
        except OSError:
            pass
    return 1

def runs_a_loop_itself(data_source, solution_str, ground_truth, extra_info):
    return asyncio.run(asyncio.sleep(0, 4))

async def leaves_async(data_source, solution_str, ground_truth, extra_info):
    raise SystemExit(0)

async def is_cancelled(data_source, solution_str, ground_truth, extra_info):
    raise asyncio.CancelledError

async def its_server_is_slow(data_source, solution_str, ground_truth, extra_info):
    raise TimeoutError("my server timed out")

async def too_large(data_source, solution_str, ground_truth, extra_info):
    return 10**400

def exact(data_source, solution_str, ground_truth, extra_info):
    from decimal import Decimal
    return {"score": Decimal("0.5"), "why": "half"}

def hangs(data_source, solution_str, ground_truth, extra_info):
    time.sleep(60)

def raises(data_source, solution_str, ground_truth, extra_info):
    return {}["box"]

def leaves(data_source, solution_str, ground_truth, extra_info):
    raise SystemExit

def no_number(data_source, solution_str, ground_truth, extra_info):
    return float("nan")

def no_score(data_source, solution_str, ground_truth, extra_info):
    return {"acc": 1.0}
"""


def config_of(file: Path, name: str, *, timeout: float = 60, on_error: str = "stop", tau: str = "fixed", **kwargs: Any):
    ours = {"reward": "robust", "reward_timeout": timeout, "on_reward_error": on_error, "tau": tau}
    named = {"path": str(file), "name": name, **({"reward_kwargs": kwargs} if kwargs else {})}
    return OmegaConf.create({"visual_rft": ours, "reward": {"custom_reward_function": named}, "trainer": {}})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(FILE)
    return tmp_path / "mine.py"


def results(config: Any, responses: list[str]) -> list[dict[str, Any]]:
    scorer = VisualRFTRewardManager(config, TOKENIZER, None)
    assert not scorer.is_trusted(ROW)  # a reward worker is asked, not a rule of ours

    async def batch() -> list[dict[str, Any]]:
        return await asyncio.gather(*(scored(scorer, response) for response in responses))

    try:
        return asyncio.run(batch())
    finally:
        scorer.isolated.close()


async def scored(scorer: VisualRFTRewardManager, response: str) -> dict[str, Any]:
    ids = torch.tensor([TOKENIZER(response)["input_ids"]])
    data = DataProto.from_dict(
        tensors={"responses": ids, "attention_mask": torch.ones_like(ids)},
        non_tensors={key: np.array([value], dtype=object) for key, value in ROW.items()},
    )
    return await scorer.run_single(data)


def test_it_scores_as_verl_calls_it(file):
    (one,) = results(config_of(file, "seven"), ["a box"])
    assert (one["reward_score"], one["reward_extra_info"]) == (7.0, {"score": 7.0})
    first, second = results(config_of(file, "parts", weight=0.5), ["a", "box"])
    assert first["reward_extra_info"] == {"score": 0.5, "row": 3.0}  # texts are no components
    assert second["reward_score"] == 1.5


def test_whatever_is_a_number_to_python_is_one(file):
    (one,) = results(config_of(file, "exact"), ["a"])
    assert one["reward_extra_info"] == {"score": 0.5}


def test_one_that_loads_passes(file):
    check_loads(custom_function(config_of(file, "judged")))


def test_one_that_waits_is_awaited(file):
    assert [one["reward_extra_info"] for one in results(config_of(file, "judged"), ["a"] * 3)] == [
        {"score": 2.0, "right": 1.0}
    ] * 3


def test_those_that_wait_do_so_beside_each_other(file):
    start = time.monotonic()
    assert len(results(config_of(file, "judged"), ["a"] * 200)) == 200
    assert time.monotonic() - start < 200 * 0.05


def test_one_that_blocks_the_others_is_ended_and_those_after_it_are_scored(file):
    """Its traceback says where it was."""
    scorer = VisualRFTRewardManager(config_of(file, "blocks", timeout=1, on_error="zero"), TOKENIZER, None)

    async def batches() -> list[list[float]]:
        return [
            [one["reward_score"] for one in await asyncio.gather(*(scored(scorer, response) for response in responses))]
            for responses in (["b", "c"], ["a", "b"], ["b"] * 3)
        ]

    try:
        first, with_it, after = asyncio.run(batches())
    finally:
        scorer.isolated.close()
    assert (first, after) == ([1.0, 1.0], [1.0, 1.0, 1.0])
    assert with_it[0] == 0.0


def test_a_function_may_run_an_event_loop_itself(file):
    assert [one["reward_score"] for one in results(config_of(file, "runs_a_loop_itself"), ["a"] * 3)] == [4.0] * 3


def test_one_that_copies_its_process_is_called_once_for_each_response(file, tmp_path):
    """Copies went on with the calls beside their own, which copied them again."""
    log = tmp_path / "log"
    assert [one["reward_score"] for one in results(config_of(file, "forks", log=str(log)), ["a"] * 4)] == [3.0] * 4
    assert log.read_text() == "called " * 4


def test_an_answer_that_is_not_ours_is_a_failure(file):
    (stops,) = results(config_of(file, "writes_to_all_files"), ["a"])
    assert "or ended its process" in why_unusable(stops["reward_extra_info"], stops["reward_score"])


@pytest.mark.parametrize(
    ("name", "timeout", "why"),
    [
        ("hangs", 1, "did not return within 1 s"),
        ("never", 0.2, "did not return within 0.2 s"),
        ("blocks", 1, "did not return within 1 s"),
        pytest.param("blocks_in_c", 1, "did not return within 1 s", marks=pytest.mark.long),
        ("ends_its_process", 60, "died without a word"),
        ("leaves_async", 60, "raised SystemExit: 0"),
        ("is_cancelled", 60, "raised CancelledError"),
        ("its_server_is_slow", 60, "raised TimeoutError: my server timed out"),
        ("too_large", 60, "raised OverflowError"),
        ("raises", 60, "raised KeyError: 'box'"),
        ("leaves", 60, "raised SystemExit"),
        ("no_number", 60, "returned 'nan', without a finite number"),
        ("no_score", 60, 'without a finite number as "score"'),
    ],
)
def test_one_that_fails_ends_the_run_or_earns_a_counted_zero(file, name, timeout, why):
    (stops,) = results(config_of(file, name, timeout=timeout), ["a"])
    said = why_unusable(stops["reward_extra_info"], stops["reward_score"])
    assert said.startswith("row of coco (split train, index 3): reward.custom_reward_function") and why in said
    (goes_on,) = results(config_of(file, name, timeout=timeout, on_error="zero"), ["a"])
    assert goes_on == {"reward_score": 0.0, "reward_extra_info": {"score": 0.0, "failed": 1.0}}


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("nine", FILE, "cannot be loaded: .*nine"),
        ("score", "import vvrft_no\n", "cannot be loaded: .*No module named 'vvrft_no'"),
        ("score", "import os; os._exit(3)\n", "exit status 3"),
        ("score", None, "cannot be loaded: ImportError: it is no Python file"),
    ],
)
def test_one_that_cannot_be_loaded_is_refused_before_the_run_and_ends_one_that_is_under_way(tmp_path, name, code, why):
    file = tmp_path / ("notes.txt" if code is None else "mine.py")
    file.write_text(code or "")
    config = config_of(file, name)
    with pytest.raises(UserError, match=why):
        check_loads(custom_function(config))
    (stops,) = results(config, ["a"])
    said = why_unusable(stops["reward_extra_info"], stops["reward_score"])
    assert re.search("did not return|died without a word" if "exit" in why else why, said)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {"reward": {"custom_reward_function": {"path": "/nowhere.py", "name": "f"}}},
            r"path=/nowhere.py: no such file",
        ),
        ({"reward": {"custom_reward_function": {"name": None}}}, r"say which function of .*mine.py it is"),
        ({"visual_rft": {"tau": "curriculum"}}, r"visual_rft.tau=curriculum is for rewards of ours"),
        ({"custom_reward_function": {"path": "/older.py", "name": "f"}}, r"path=/older.py: no such file"),
    ],
)
def test_one_that_cannot_be_is_refused(file, change, why):
    with pytest.raises(UserError, match=why):
        custom_function(OmegaConf.merge(config_of(file, "seven"), change))


def test_without_a_path_there_is_none(file):
    assert (
        custom_function(
            OmegaConf.merge(config_of(file, "seven"), {"reward": {"custom_reward_function": {"path": None}}})
        )
        is None
    )
