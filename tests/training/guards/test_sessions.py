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

from verl_visual_rft.training.agent_loop import VisualRFTAgentLoopWorker  # noqa: E402
from verl_visual_rft.training.guards.sessions import first_error  # noqa: E402
from verl_visual_rft.training.speed.finished_prompts import FinishedPrompts  # noqa: E402


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


class Worker(VisualRFTAgentLoopWorker):
    def __init__(self):
        self.config = OmegaConf.create({"actor_rollout_ref": {"rollout": {"n": 4}}, "data": {}})
        self.llm_client = self.tokenizer = self.processor = self.hf_model_type = self.dataset_cls = None
        self.tools, self.stored, self._finished = [], [], FinishedPrompts()

    async def _agent_loop_postprocess(self, output, validate, **kwargs):
        self.stored.append(kwargs["session_id"])


@pytest.fixture
def tags(monkeypatch):
    tags = defaultdict(dict)

    async def put(key, partition_id, tag):
        tags[partition_id].setdefault(key, {}).update(tag)

    monkeypatch.setattr(transfer_queue, "async_kv_put", put)
    monkeypatch.setattr(
        transfer_queue, "kv_list", lambda partition_id: {partition_id: copy.deepcopy(tags[partition_id])}
    )
    return tags


@pytest.mark.parametrize("validate", [False, True])
def test_a_failed_session_costs_only_itself_and_its_error_reaches_the_trainer(tags, validate):
    worker = Worker()
    row = {"uid": "u0", "data_source": "coco", "extra_info": {"index": 7}, "agent_name": "of_this_test"}
    trajectory = {"step": 1, "sample_index": 0, "rollout_n": 0, "validate": validate}
    worker.config.actor_rollout_ref.rollout.val_kwargs = {"n": 4}
    asyncio.run(worker._run_prompt(row, {}, trajectory))
    partition = "val" if validate else "train"
    assert worker.stored == [0, 3]
    assert tags[partition]["u0"]["status"] == "failure"
    error = first_error(["u0"], partition)
    assert error.startswith("row of coco (index 7): OSError: broken picture")
    assert "Traceback" in error
    assert all(line.startswith("    ") for line in error.splitlines()[1:])


def test_of_several_prompts_the_earliest_error_is_told(tags):
    tags["train"] = {
        "a": {"first_error": "late", "first_error_time": 2.0},
        "b": {"first_error": "early", "first_error_time": 1.0},
        "c": {"status": "failure"},
    }
    assert first_error(["a", "b", "c"], "train") == "early"
    assert first_error(["c"], "train") == "it is in the log of the agent loop workers"
