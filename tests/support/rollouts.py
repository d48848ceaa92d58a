# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts in veRL's own worker and in ours. vLLM, the reward worker and the transfer queue are stubs."""

import asyncio
import copy
import pickle
from types import SimpleNamespace

import torch
import transfer_queue
from hydra import compose, initialize_config_module
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopWorkerTQ
from verl.utils import hf_processor, hf_tokenizer
from verl.utils.dataset.rl_dataset import RLHFDataset
from verl.workers.rollout.replica import TokenOutput

from verl_visual_rft.miniature.pretraining import TINY_MODEL
from verl_visual_rft.training.rollouts import agent_loop
from verl_visual_rft.training.scoring.reward_manager import VisualRFTRewardManager

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
        for name in ("kv_list", "kv_batch_get", "kv_clear"):
            monkeypatch.setattr(transfer_queue, name, getattr(self, name))

    async def put(self, key, partition_id, tag=None, fields=None):
        if tag:
            self.tags.setdefault(partition_id, {}).setdefault(key, {}).update(tag)
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

    def kv_list(self, partition_id=None):
        return copy.deepcopy(self.tags)

    def kv_batch_get(self, keys, partition_id, select_fields):
        return {name: [self.rows[partition_id][key][name] for key in keys] for name in select_fields}

    def kv_clear(self, keys, partition_id):
        for key in keys:
            self.tags[partition_id].pop(key, None)


def make_worker(kind, server, *overrides):
    """A worker of veRL, or ours, without the actors that its constructor wants."""

    class Worker(kind):
        def __init__(self):
            with initialize_config_module("verl_visual_rft.training.config", version_base=None):
                settings = [f"actor_rollout_ref.rollout.n={ROLLOUTS}", "device=cpu", "data.max_prompt_length=4096"]
                self.config = compose("visual_rft", [*settings, *overrides])
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


def roll_out(worker, agent_name, pictures, validate=False, reward=None, truth='{"boxes": []}'):
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
            row |= {"reward_model": {"ground_truth": truth}, "__rollout_n__": ROLLOUTS}
            prompts.append(worker._run_prompt(copy.deepcopy(row) | {"agent_name": agent_name}, {}, trajectory))
        await asyncio.gather(*prompts)

    asyncio.run(run())
