# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Sessions that fail, in veRL's own worker without Ray; the transfer queue is a dictionary here."""

import asyncio
import copy
from collections import defaultdict

import pytest

pytest.importorskip("torch")
pytest.importorskip("verl")
transfer_queue = pytest.importorskip("transfer_queue")

from omegaconf import OmegaConf  # noqa: E402
from verl.experimental.agent_loop.agent_loop import AgentLoopBase, register  # noqa: E402

from verl_visual_rft.training.guards.sessions import first_error  # noqa: E402
from verl_visual_rft.training.rollouts.agent_loop import VisualRFTAgentLoopWorker  # noqa: E402
from verl_visual_rft.training.rollouts.finished_prompts import FinishedPrompts  # noqa: E402
from verl_visual_rft.training.rollouts.prompt_rows import Row  # noqa: E402


@register("of_this_test")
class Failing(AgentLoopBase):
    """Session 1 fails at once, session 2 later."""

    def __init__(self, *args, **kwargs):
        pass

    async def run(self, sampling_params, **kwargs):
        if kwargs["session_id"] == 1:
            raise OSError("broken picture\nin row 7")
        await asyncio.sleep(0.01)
        if kwargs["session_id"] == 2:
            raise ValueError("later")
        return "output"


async def answers(self, sampling_params, **kwargs):
    return "output"


class Worker(VisualRFTAgentLoopWorker):
    def __init__(self):
        self.config = OmegaConf.create({"actor_rollout_ref": {"rollout": {"n": 4}}, "data": {}})
        self.llm_client = self.tokenizer = self.processor = self.hf_model_type = self.dataset_cls = None
        self.tools, self._finished = [], FinishedPrompts()

    async def _agent_loop_postprocess(self, output, validate, **kwargs):
        return [Row(f"{kwargs['uid']}_{kwargs['session_id']}_0", {"num_turns": 2}, {"status": "success"})]


@pytest.fixture
def tags(monkeypatch):
    tags = defaultdict(dict)

    async def put(key, partition_id, tag):
        tags[partition_id].setdefault(key, {}).update(tag)

    async def put_batch(keys, fields, tags, partition_id):
        for key, tag in zip(keys, tags, strict=True):
            await put(key, partition_id, tag)

    monkeypatch.setattr(transfer_queue, "async_kv_put", put)
    monkeypatch.setattr(transfer_queue, "async_kv_batch_put", put_batch)
    monkeypatch.setattr(
        transfer_queue, "kv_list", lambda partition_id: {partition_id: copy.deepcopy(tags[partition_id])}
    )
    return tags


def answer(worker, validate=False):
    """Run a prompt in four sessions."""
    row = {"uid": "u0", "data_source": "coco", "extra_info": {"index": 7}, "agent_name": "of_this_test"}
    trajectory = {"step": 1, "sample_index": 0, "rollout_n": 0, "validate": validate}
    worker.config.actor_rollout_ref.rollout.val_kwargs = {"n": 4}
    asyncio.run(worker._run_prompt(row, {}, trajectory))


@pytest.mark.parametrize("validate", [False, True])
def test_a_failed_session_costs_only_itself_and_its_error_reaches_the_trainer(tags, validate):
    answer(Worker(), validate)
    partition = "val" if validate else "train"
    assert {key: tag["status"] for key, tag in tags[partition].items()} == {
        "u0": "failure",
        "u0_0_0": "success",
        "u0_3_0": "success",
    }
    error = first_error(["u0"], partition)
    assert error.startswith("row of coco (index 7): OSError: broken picture")
    assert "Traceback" in error
    assert all(line.startswith("    ") for line in error.splitlines()[1:])


def test_rows_that_cannot_be_stored_are_a_failure_that_is_told(tags, monkeypatch):
    async def full(*args, **kwargs):
        raise OSError("no room")

    monkeypatch.setattr(transfer_queue, "async_kv_batch_put", full)
    monkeypatch.setattr(Failing, "run", answers)
    answer(Worker())
    assert tags["train"]["u0"]["status"] == "failure"
    assert "OSError: no room" in first_error(["u0"], "train")


def test_a_prompt_whose_sessions_all_succeed_is_finished_when_its_rows_are_there(tags, monkeypatch):
    monkeypatch.setattr(Failing, "run", answers)
    answer(Worker())
    assert list(tags["train"]) == ["u0", "u0_0_0", "u0_1_0", "u0_2_0", "u0_3_0"]
    assert tags["train"]["u0"] == {"status": "finished"}


def test_of_several_prompts_the_earliest_error_is_told(tags):
    tags["train"] = {
        "a": {"first_error": "late", "first_error_time": 2.0},
        "b": {"first_error": "early", "first_error_time": 1.0},
        "c": {"status": "failure"},
    }
    assert first_error(["a", "b", "c"], "train") == "early"
    assert first_error(["c"], "train") == "it is in the log of the agent loop workers"
