# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts that process the picture of a prompt once, not three times for each of its G responses.

verl 0.9.1 decodes, resizes and runs the Hugging Face processor anew in every session
(``single_turn_agent_loop.py:44,57``, ``agent_loop.py:981``, ``agent_loop_tq.py:188``). All sessions of a prompt run as
tasks of one process, so the first one's result is kept until the last one ends. Pictures are not sent to the reward
worker, and not stored beside the pixel values: a rule reads the text. What is trained on is the same to the bit.

Selected by ``actor_rollout_ref.rollout.agent.agent_loop_manager_class`` and ``default_agent_loop``; the worker
process imports this module with the worker's class, which registers the loop there.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import ray
import torch
from verl.experimental.agent_loop.agent_loop import register
from verl.experimental.agent_loop.single_turn_agent_loop import SingleTurnAgentLoop
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopManagerTQ, AgentLoopWorkerTQ

#: Columns that hold the picture or repeat the prompt; nothing after the rollout reads them.
_NOT_NEEDED_AFTER_ROLLOUT = ("raw_prompt", "prompt")


@dataclass
class _Shared:
    """What the sessions of one prompt share; each is computed by the first session that asks."""

    media: asyncio.Future[dict[str, Any]] | None = None
    tokens: asyncio.Future[tuple[list[int], dict[str, Any]]] | None = None


_shared: dict[str, _Shared] = {}  # by the prompt's uid, for the prompts in flight in this process
_uid: ContextVar[str] = ContextVar("uid")  # of the session that the current task runs
_validate: ContextVar[bool] = ContextVar("validate")  # whether that session is one of validation


async def _once(shared: _Shared, slot: str, compute: Callable[[], Awaitable[Any]]) -> Any:
    future = getattr(shared, slot)
    if future is None:
        future = asyncio.ensure_future(compute())
        setattr(shared, slot, future)
    return await asyncio.shield(future)  # one cancelled session must not cancel its siblings' result


def session_seed(seed: int, step: int, row: int, session: int) -> int:
    """The sampling seed of one response: any other of the four gives another, and the same four the same.

    Example:
        >>> session_seed(0, 1, 7, 0) == session_seed(0, 1, 7, 0) != session_seed(0, 1, 7, 1)
        True
    """
    return zlib.crc32(f"{seed} {step} {row} {session}".encode())


@register("visual_rft_agent")
class VisualRFTAgentLoop(SingleTurnAgentLoop):
    """veRL's single-turn loop with the picture's processing shared among the rollouts of a prompt."""

    async def run(self, sampling_params: dict[str, Any], priority: int = 0, **kwargs: Any) -> Any:
        """Answer one prompt once; ``kwargs`` are the columns of its row."""
        _uid.set(kwargs["uid"])
        if self.config.visual_rft.seed_rollouts:
            seed = session_seed(self.rollout_config.seed, kwargs["global_steps"], kwargs["index"], kwargs["session_id"])
            sampling_params = sampling_params | {"seed": seed}
        return await super().run(sampling_params, priority=priority, **kwargs)

    async def process_multi_modal_info(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """Decode and resize the pictures of the prompt."""
        process = super().process_multi_modal_info
        return dict(await _once(_shared[_uid.get()], "media", lambda: process(messages)))

    async def ct_build_initial_tokens(
        self, messages: list[dict[str, Any]], mm_inputs_out: dict[str, Any] | None = None, **media: Any
    ) -> list[int]:
        """Tokenise the prompt; the processor's tensors go to ``mm_inputs_out``."""
        build = super().ct_build_initial_tokens

        async def compute() -> tuple[list[int], dict[str, Any]]:
            tensors: dict[str, Any] = {}
            tokens = await build(messages, mm_inputs_out=tensors, **media)
            return tokens, tensors

        tokens, tensors = await _once(_shared[_uid.get()], "tokens", compute)
        if mm_inputs_out is not None:
            mm_inputs_out.update(tensors)
        return list(tokens)


class VisualRFTAgentLoopWorker(AgentLoopWorkerTQ.__ray_metadata__.modified_class.__ray_actor_class__):
    """veRL's rollout worker for `VisualRFTAgentLoop`; other loops run in it as they do in veRL's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take veRL's arguments."""
        # Not idle: Ray pickles an inherited __init__ by value, and with it a second copy of the class that it calls
        # super() of ("obj must be an instance or subtype of type"). One of this module is pickled by name.
        super().__init__(*args, **kwargs)

    async def _run_prompt(self, prompt: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        uid = prompt["uid"]
        _shared[uid] = _Shared()
        try:
            await super()._run_prompt(prompt, *args, **kwargs)
        finally:
            del _shared[uid]

    def _compute_multi_modal_inputs(self, output: Any, input_ids: torch.Tensor) -> dict[str, torch.Tensor]:
        shared = _shared.get(_uid.get(""))
        if shared is None or shared.tokens is None:
            return dict(super()._compute_multi_modal_inputs(output, input_ids))
        _, tensors = shared.tokens.result()
        inputs = {name: value for name, value in tensors.items() if name not in ("input_ids", "attention_mask")}
        grid = inputs.get("image_grid_thw")
        if grid is not None:
            inputs["images_seqlens"] = torch.repeat_interleave(grid[:, 1] * grid[:, 2], grid[:, 0])
        return inputs  # a new dict each time: the caller takes mm_token_type_ids out of it

    async def _agent_loop_postprocess(self, output: Any, validate: bool, **kwargs: Any) -> None:
        for column in _NOT_NEEDED_AFTER_ROLLOUT:
            kwargs.pop(column, None)
        _validate.set(validate)
        await super()._agent_loop_postprocess(output, validate, **kwargs)

    async def _compute_score(self, outputs: list[Any], kwargs: dict[str, Any]) -> None:
        # The reward worker must know: a curriculum is for training only.
        await super()._compute_score(outputs, {**kwargs, "validate": _validate.get()})


class VisualRFTAgentLoopManager(AgentLoopManagerTQ):
    """Starts `VisualRFTAgentLoopWorker` processes in place of veRL's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take veRL's arguments; the worker class is set after veRL has set its own."""
        super().__init__(*args, **kwargs)
        self.agent_loop_workers_class = ray.remote(VisualRFTAgentLoopWorker)
