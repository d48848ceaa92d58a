# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts on pictures in veRL's own worker and in ours; vLLM, the reward worker and the transfer queue are stubs."""

import asyncio
import copy
import pickle
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")
transfer_queue = pytest.importorskip("transfer_queue")

from hydra import compose, initialize_config_module  # noqa: E402
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopWorkerTQ  # noqa: E402
from verl.utils import hf_processor, hf_tokenizer  # noqa: E402
from verl.utils.dataset.rl_dataset import RLHFDataset  # noqa: E402
from verl.workers.rollout.replica import TokenOutput  # noqa: E402

from verl_visual_rft.training import agent_loop  # noqa: E402
from verl_visual_rft.training.pictures.processed import picture_key  # noqa: E402
from verl_visual_rft.training.pretraining import TINY_MODEL  # noqa: E402
from verl_visual_rft.training.reward_manager import VisualRFTRewardManager  # noqa: E402

ROLLOUTS, STEP = 3, 7
PlainWorker = AgentLoopWorkerTQ.__ray_metadata__.modified_class.__ray_actor_class__


class Server:
    """Answers with the request's number; keeps what it was given."""

    def __init__(self):
        self.image_data, self.seeds = [], []

    async def generate(self, request_id, *, prompt_ids, sampling_params, image_data=None, **_):
        self.image_data.append(image_data)
        self.seeds.append(sampling_params.get("seed"))
        await asyncio.sleep(0.01)
        answer = [40, 41 + len(prompt_ids) % 7]
        return TokenOutput(token_ids=answer, log_probs=[-1.0, -2.0], extra_fields={"global_steps": STEP})


class Queue:
    """The transfer queue: rows and pictures by partition and key."""

    def __init__(self, monkeypatch):
        self.rows, self.tags, self.puts, self.batches = {}, {}, [], 0
        monkeypatch.setattr(transfer_queue, "async_kv_put", self.put)
        monkeypatch.setattr(transfer_queue, "async_kv_batch_put", self.put_batch)

    async def put(self, key, partition_id, tag=None, fields=None):
        if fields:
            self.puts.append((partition_id, key))
            self.rows.setdefault(partition_id, {})[key] = fields

    async def put_batch(self, keys, fields, tags, partition_id):
        self.batches += 1
        for i, key in enumerate(keys):
            self.tags.setdefault(partition_id, {})[key] = tags[i]
            row = {name: fields[name][i] for name in fields.keys()}
            self.rows.setdefault(partition_id, {})[key] = {
                n: v.clone() if isinstance(v, torch.Tensor) else getattr(v, "data", v) for n, v in row.items()
            }


def make_worker(kind, server):
    """A worker of veRL, or ours, without the actors that its constructor wants."""

    class Worker(kind):
        def __init__(self):
            with initialize_config_module("verl_visual_rft.training.config", version_base=None):
                overrides = [f"actor_rollout_ref.rollout.n={ROLLOUTS}", "device=cpu", "data.max_prompt_length=4096"]
                self.config = compose("visual_rft", overrides)
            self.rollout_config = self.config.actor_rollout_ref.rollout
            self.llm_client, self.dataset_cls, self.tools = server, RLHFDataset, []
            self.tokenizer, self.processor = hf_tokenizer(str(TINY_MODEL)), hf_processor(str(TINY_MODEL))
            self.hf_model_type, self.mm_processor_kwargs = "qwen2_vl", {}
            self.distillation_enabled, self.scored = False, []
            self.reward_loop_worker_handles = [SimpleNamespace(compute_score=SimpleNamespace(remote=self.score))]
            self.reward_manager = VisualRFTRewardManager(self.config, self.tokenizer, None)

        async def score(self, data):
            self.scored.append(pickle.dumps(data.non_tensor_batch))
            return await self.reward_manager.run_single(data)

    worker = Worker()
    if kind is agent_loop.VisualRFTAgentLoopWorker:
        agent_loop._pictures.share(worker.processor.image_processor)
        worker._stored, worker._finished = agent_loop.Stored(), agent_loop.FinishedPrompts()
    return worker


def roll_out(worker, agent_name, pictures, validate=False, reward=None):
    """Run a prompt about each picture, all at once as the worker does."""
    trajectory = {"step": STEP, "sample_index": 0, "rollout_n": 0, "validate": validate}

    async def run():
        prompts = []
        for i, picture in enumerate(pictures):
            content = [
                {"type": "image", "image": picture, "bytes": b"x" * 10_000},
                {"type": "text", "text": "where" * (1 + i)},
            ]
            message = [{"role": "user", "content": content}]
            row = {"raw_prompt": message, "prompt": message, "uid": f"u{i}", "index": i, "global_steps": STEP}
            row |= {"data_source": "coco", "ability": "detection", "extra_info": {"index": i, "reward": reward}}
            row |= {"reward_model": {"ground_truth": '{"boxes": []}'}, "__rollout_n__": ROLLOUTS}
            prompts.append(worker._run_prompt(copy.deepcopy(row) | {"agent_name": agent_name}, {}, trajectory))
        await asyncio.gather(*prompts)

    asyncio.run(run())


@pytest.fixture
def ours(monkeypatch):
    monkeypatch.setattr(agent_loop.ray, "put", list)
    return make_worker(agent_loop.VisualRFTAgentLoopWorker, Server())


def test_rows_are_those_of_veRL_with_one_processor_call_a_picture(monkeypatch, ours, pictures, processor_calls):
    about = [pictures[0], pictures[1], pictures[0].copy()]  # two prompts about the same picture
    plain_queue = Queue(monkeypatch)
    plain = make_worker(PlainWorker, Server())
    roll_out(plain, "single_turn_agent", about)
    assert len(processor_calls) == 3 * ROLLOUTS * len(about)
    processor_calls.clear()

    queue = Queue(monkeypatch)
    roll_out(ours, "visual_rft_agent", about)
    assert processor_calls == [1, 1]
    assert len(queue.puts) == 2
    assert ours.scored == []  # rules are applied at once
    assert queue.batches == len(about)  # the rows of a prompt at once
    rows, expected = queue.rows["train"], plain_queue.rows["train"]
    assert rows.keys() == expected.keys()
    assert len(rows) == ROLLOUTS * len(about)
    for key, row in rows.items():
        inputs, wanted = row["multi_modal_inputs"], expected[key]["multi_modal_inputs"]
        names = inputs.pop("pictures")
        stored = [queue.rows["pictures"][name]["pixel_values"] for name in names]
        assert torch.equal(torch.cat(stored), wanted.pop("pixel_values"))
        assert inputs.keys() == wanted.keys()
        for name in wanted:
            assert torch.equal(inputs[name], wanted[name])
        for column in ("input_ids", "position_ids", "prompts", "responses", "response_mask", "rollout_log_probs"):
            assert torch.equal(row[column], expected[key][column])
        assert "raw_prompt" not in row
        assert torch.equal(row["rm_scores"], expected[key]["rm_scores"])
        assert row["extra_fields"]["reward_extra_info"] == expected[key]["extra_fields"]["reward_extra_info"]
        assert queue.tags["train"][key] == plain_queue.tags["train"][key] | {"pictures": names}
        assert len(pickle.dumps(row)) < 20_000
    assert len(agent_loop._pictures) == 0
    assert not agent_loop._shared


def test_each_response_has_a_seed_of_its_own_and_a_resumed_step_the_same(monkeypatch, ours, pictures):
    Queue(monkeypatch)
    roll_out(ours, "visual_rft_agent", pictures)
    seeds = ours.llm_client.seeds
    assert len(set(seeds)) == ROLLOUTS * len(pictures)
    again = make_worker(agent_loop.VisualRFTAgentLoopWorker, Server())
    roll_out(again, "visual_rft_agent", pictures)
    assert sorted(again.llm_client.seeds) == sorted(seeds)
    unseeded = make_worker(agent_loop.VisualRFTAgentLoopWorker, Server())
    unseeded.config.visual_rft.seed_rollouts = False
    roll_out(unseeded, "visual_rft_agent", pictures)
    assert set(unseeded.llm_client.seeds) == {None}


def test_a_reward_of_another_package_is_left_to_the_reward_workers(monkeypatch, ours, pictures):
    Queue(monkeypatch)
    monkeypatch.setattr(VisualRFTRewardManager, "is_trusted", lambda self, row: row["extra_info"]["reward"] is None)
    roll_out(ours, "visual_rft_agent", pictures[:1], reward="iou")
    assert len(ours.scored) == ROLLOUTS
    assert max(map(len, ours.scored)) < 2_000  # without the picture


def test_vllm_is_handed_the_processed_picture(monkeypatch, ours, pictures):
    Queue(monkeypatch)
    roll_out(ours, "visual_rft_agent", pictures[:1])
    assert len(ours.llm_client.image_data) == ROLLOUTS
    first = ours.llm_client.image_data[0]
    assert all(data is first for data in ours.llm_client.image_data)  # one object in Ray's store
    assert [picture.key.partition("-")[0] for picture in first] == [picture_key(pictures[0])]


def test_another_engine_than_vllm_gets_pictures(monkeypatch, ours, pictures):
    Queue(monkeypatch)
    ours.rollout_config.name = "sglang"
    roll_out(ours, "visual_rft_agent", pictures[:1])
    assert [data[0].size for data in ours.llm_client.image_data] == [pictures[0].size] * ROLLOUTS


def test_validation_stores_no_pixels(monkeypatch, ours, pictures):
    queue = Queue(monkeypatch)
    roll_out(ours, "visual_rft_agent", pictures, validate=True)
    assert queue.puts == []
    for row in queue.rows["val"].values():
        assert set(row["multi_modal_inputs"]) == {"image_grid_thw", "images_seqlens"}


def test_with_a_critic_rows_keep_their_pixels(monkeypatch, ours, pictures):
    queue = Queue(monkeypatch)
    ours.config.critic.enable = True
    roll_out(ours, "visual_rft_agent", pictures)
    assert queue.puts == []
    assert all("pixel_values" in row["multi_modal_inputs"] for row in queue.rows["train"].values())
