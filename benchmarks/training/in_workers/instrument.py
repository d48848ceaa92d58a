# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Counts, in every process of a contestant, what the benchmark compares; the same for all of them.

veRL's processes load it through ``VERL_USE_EXTERNAL_MODULES``, the other contestants by importing it. Each process
appends events to its own file in ``BENCHMARK_EVENTS``:

- ``step``: a training step ended, with its metrics;
- ``processor``: a Hugging Face image processor ran, on how many pictures;
- ``put``, ``read``: bytes between a process and TransferQueue's storage, as they go over its sockets;
- ``batch``: the trainer has the step's responses.

Two things are changed, for all contestants alike. A reward gets a fraction of 1 added that depends on the response
alone: a random model is never right, and groups without variance would teach nothing. And where ``BENCHMARK_SEEDED`` is
set, every vLLM request gets a sampling seed made of its prompt and its number among the requests with that prompt, so
that two contestants get the same responses in whatever order they ask.
"""

from __future__ import annotations

import functools
import json
import os
import time
import zlib
from collections import Counter
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import Any

import wrapt

_folder = Path(os.environ["BENCHMARK_EVENTS"])


def record(event: str, **values: Any) -> None:
    """Append an event to this process's file; the clock is the machine's, the same in all processes."""
    line = json.dumps({"t": time.monotonic(), "event": event, **values})
    with open(_folder / f"{os.getpid()}.jsonl", "a") as file:
        file.write(line + "\n")


def _count_pictures(module: ModuleType) -> None:
    preprocess = module.BaseImageProcessor.preprocess

    @functools.wraps(preprocess)
    def counting(self: Any, images: Any, *args: Any, **kwargs: Any) -> Any:
        record("processor", pictures=_pictures(images))
        return preprocess(self, images, *args, **kwargs)

    module.BaseImageProcessor.preprocess = counting


def _pictures(images: Any) -> int:
    return sum(map(_pictures, images)) if isinstance(images, (list, tuple)) else 1


def _count_bytes(module: ModuleType) -> None:
    """At the two ends that a client of the storage has: puts when it packs them, reads when it unpacks them."""
    message, kinds = module.ZMQMessage, module.ZMQRequestType
    serialize, deserialize = message.serialize, message.deserialize.__func__

    def packing(self: Any) -> list[Any]:
        frames = serialize(self)
        if self.request_type == kinds.PUT_DATA:
            record("put", bytes=_size(frames))
        return frames

    def unpacking(cls: Any, frames: list[Any]) -> Any:
        received = deserialize(cls, frames)
        if received.request_type == kinds.GET_DATA_RESPONSE:
            record("read", bytes=_size(frames))
        return received

    message.serialize, message.deserialize = packing, classmethod(unpacking)


def _size(frames: list[Any]) -> int:
    return sum(memoryview(frame).nbytes for frame in frames)


def _record_batches(module: ModuleType) -> None:
    sample = module.ReplayBuffer.sample

    @functools.wraps(sample)
    def recording(self: Any, *args: Any, **kwargs: Any) -> Any:
        batch = sample(self, *args, **kwargs)
        record("batch")
        return batch

    module.ReplayBuffer.sample = recording


def _record_steps(module: ModuleType) -> None:
    log = module.Tracking.log

    @functools.wraps(log)
    def recording(self: Any, data: dict[str, Any], step: int, *args: Any, **kwargs: Any) -> None:
        record("step", step=step, data={key: float(value) for key, value in data.items() if isinstance(value, Real)})
        log(self, data, step, *args, **kwargs)

    module.Tracking.log = recording


def _vary_rewards(module: ModuleType) -> None:
    score = module.score

    @functools.wraps(score)
    def varied(task: str, response: str, *args: Any, **kwargs: Any) -> dict[str, float]:
        components = score(task, response, *args, **kwargs)
        return components | {"score": components["score"] + zlib.crc32(response.encode()) / 2**32}

    module.score = varied


def _seed_requests(module: ModuleType) -> None:
    generate, asked = module.vLLMHttpServer.generate, Counter[int]()

    @functools.wraps(generate)
    async def seeded(
        self: Any, prompt_ids: list[int], sampling_params: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        prompt = zlib.crc32(json.dumps(list(map(int, prompt_ids))).encode())
        seed = (prompt + asked[prompt]) % 2**31
        asked[prompt] += 1
        return await generate(self, prompt_ids, {**sampling_params, "seed": seed}, *args, **kwargs)

    module.vLLMHttpServer.generate = seeded


wrapt.register_post_import_hook(_count_pictures, "transformers.image_processing_utils")
wrapt.register_post_import_hook(_count_bytes, "transfer_queue.utils.zmq_utils")
wrapt.register_post_import_hook(_record_batches, "verl.trainer.ppo.v1.replay_buffer")
wrapt.register_post_import_hook(_record_steps, "verl.utils.tracking")
wrapt.register_post_import_hook(_vary_rewards, "verl_visual_rft.rewards")
if os.environ.get("BENCHMARK_SEEDED"):
    wrapt.register_post_import_hook(_seed_requests, "verl.workers.rollout.vllm_rollout.vllm_async_server")
