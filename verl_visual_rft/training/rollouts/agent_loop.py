# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts that process a picture once, not three times for each of the G responses to each prompt about it.

verl 0.9.1 decodes, resizes and runs the Hugging Face processor anew in every session
(``single_turn_agent_loop.py:44,57``, ``agent_loop.py:981``, ``agent_loop_tq.py:188``), and vLLM runs it once more. All
sessions of a prompt run as tasks of one process, so the first one's result is kept until the last one ends; prompts
about the same picture go to the same process; vLLM is handed the result. Pictures are not sent to a reward worker,
and not stored beside the pixel values: a rule reads the text. Pixel values are stored once a picture and step, those of
validation not at all.

That process also limits how fast sessions begin and end. So they share one loop; rules of this package score in it, and
only rewards of others are left to the reward workers; the rows of a prompt are stored together, when its last session
has ended. What is trained on is the same to the bit.

Selected by ``actor_rollout_ref.rollout.agent.agent_loop_manager_class`` and ``default_agent_loop``; the worker
process imports this module with the worker's class, which registers the loop there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import ray
import torch
from verl.experimental.agent_loop.agent_loop import DictConfigWrap, register
from verl.experimental.agent_loop.single_turn_agent_loop import SingleTurnAgentLoop
from verl.trainer.ppo.reward import resolve_reward_manager_cls
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopManagerTQ, AgentLoopWorkerTQ
from verl.utils import tensordict_utils
from verl.utils.profiler.performance import simple_timer

from verl_visual_rft.training.guards.sessions import report_failure
from verl_visual_rft.training.rollouts.finished_prompts import FinishedPrompts, Rollouts
from verl_visual_rft.training.rollouts.last_output import last_output_only
from verl_visual_rft.training.rollouts.pictures.grouping import pictures_of, shares
from verl_visual_rft.training.rollouts.pictures.positions import extend_position_ids
from verl_visual_rft.training.rollouts.pictures.processed import ProcessedPicture, SharedPictures
from verl_visual_rft.training.rollouts.pictures.storage import PICTURES, Stored, name_of, stores_apart
from verl_visual_rft.training.rollouts.prompt_rows import Row, put, row_of
from verl_visual_rft.training.rollouts.seeds import identity_of, session_seed
from verl_visual_rft.training.scoring.reward_manager import VisualRFTRewardManager

#: The loop's name in ``agent.default_agent_loop``.
AGENT = "visual_rft_agent"

#: Columns that hold the picture or repeat the prompt; nothing after the rollout reads them.
_NOT_NEEDED_AFTER_ROLLOUT = ("raw_prompt", "prompt")


@dataclass
class _Shared:
    """What the sessions of one prompt share; what is computed is computed by the first that asks."""

    running: int  # sessions that have not ended
    rows: list[Row] = field(default_factory=list)  # of those that have
    name: str = ""  # of its row, for seeds
    media: asyncio.Future[dict[str, Any]] | None = None
    tokens: asyncio.Future[tuple[list[int], dict[str, Any]]] | None = None
    pictures: list[ProcessedPicture] = field(default_factory=list)
    positions: torch.Tensor | None = None  # of the prompt's tokens
    names: list[str] = field(default_factory=list)  # of the pictures in the transfer queue, where they are stored apart
    failed: bool = False  # whether a session has reported its error to the trainer

    @cached_property
    def in_object_store(self) -> Any:
        """The pictures for vLLM's server: put there once, read by every request without a copy."""
        return ray.put(self.pictures)


_pictures = SharedPictures()  # of the prompts in flight in this process
_shared: dict[str, _Shared] = {}  # by the prompt's uid, for the prompts in flight in this process
_uid: ContextVar[str] = ContextVar("uid")  # of the session that the current task runs
_validate: ContextVar[bool] = ContextVar("validate")  # whether that session is one of validation


async def _once(shared: _Shared, slot: str, compute: Callable[[], Awaitable[Any]]) -> Any:
    future = getattr(shared, slot)
    if future is None:
        future = asyncio.ensure_future(compute())
        setattr(shared, slot, future)
    return await asyncio.shield(future)  # one cancelled session must not cancel its siblings' result


class _ProcessedToServer:
    """veRL's client of the vLLM servers; they get the processed pictures of the session's prompt."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def generate(self, request_id: str, *, image_data: Any = None, **kwargs: Any) -> Any:
        if image_data is not None:
            image_data = _shared[_uid.get()].in_object_store  # Ray resolves it for the server
        return await self._client.generate(request_id=request_id, image_data=image_data, **kwargs)


@register(AGENT)
class VisualRFTAgentLoop(SingleTurnAgentLoop):
    """veRL's single-turn loop with the picture's processing shared among the rollouts about it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take veRL's arguments."""
        super().__init__(*args, **kwargs)
        if self.rollout_config.name == "vllm":
            self.server_manager: Any = _ProcessedToServer(self.server_manager)

    async def run(self, sampling_params: dict[str, Any], priority: int = 0, **kwargs: Any) -> Any:
        """Answer one prompt once; ``kwargs`` are the columns of its row."""
        _uid.set(kwargs["uid"])
        if self.rollout_config.name == "vllm":
            sampling_params = sampling_params | last_output_only()
            if self.config.visual_rft.seed_rollouts:
                sampling_params = sampling_params | {"seed": self._seed(kwargs)}
        return await super().run(sampling_params, priority=priority, **kwargs)

    def _seed(self, columns: dict[str, Any]) -> int:
        shared = _shared[columns["uid"]]
        shared.name = shared.name or identity_of(columns)
        return session_seed(self.rollout_config.seed, columns["global_steps"], shared.name, columns["session_id"])

    async def process_multi_modal_info(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """Decode and resize the pictures of the prompt."""
        process = super().process_multi_modal_info
        return dict(await _once(_shared[_uid.get()], "media", lambda: process(messages)))

    async def ct_build_initial_tokens(
        self, messages: list[dict[str, Any]], mm_inputs_out: dict[str, Any] | None = None, **media: Any
    ) -> list[int]:
        """Tokenise the prompt; the processor's tensors go to ``mm_inputs_out``."""
        build, uid = super().ct_build_initial_tokens, _uid.get()
        shared = _shared[uid]

        async def compute() -> tuple[list[int], dict[str, Any]]:
            tensors: dict[str, Any] = {}
            keys = _pictures.use(uid, media.get("images") or ())
            tokens = await build(messages, mm_inputs_out=tensors, **media)
            shared.pictures = _pictures.find(keys, tensors) if keys else []
            return tokens, tensors

        tokens, tensors = await _once(shared, "tokens", compute)
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
        self._finished = FinishedPrompts()
        self._stored = Stored()
        if self.processor is not None:
            _pictures.share(self.processor.image_processor)

    async def finished_prompts(self, more_than: int) -> int:
        """Return the number of prompts that this worker has finished, when it is above ``more_than``."""
        return await self._finished.more_than(more_than)

    @cached_property
    def _loop(self) -> VisualRFTAgentLoop:
        """The loop of all sessions: it keeps nothing of one, and to make veRL's for each takes a millisecond."""
        return VisualRFTAgentLoop(
            trainer_config=DictConfigWrap(self.config),
            server_manager=self.llm_client,
            tokenizer=self.tokenizer,
            processor=self.processor,
            hf_model_type=self.hf_model_type,
            dataset_cls=self.dataset_cls,
            data_config=DictConfigWrap(self.config.data),
        )

    @cached_property
    def _rules(self) -> VisualRFTRewardManager | None:
        """What scores responses in this process: a rule of ours takes less time than to ask a reward worker."""
        reward_model = self.config.reward.reward_model.enable
        if reward_model or not issubclass(resolve_reward_manager_cls(self.config), VisualRFTRewardManager):
            return None
        return VisualRFTRewardManager(self.config, self.tokenizer, None)

    async def _run_prompt(self, prompt: dict[str, Any], sampling: Any, trajectory: Any, trace: Any = False) -> None:
        uid, rollout = prompt["uid"], self.config.actor_rollout_ref.rollout
        n = rollout.val_kwargs.n if trajectory["validate"] else rollout.n
        _shared[uid] = _Shared(running=prompt.get("__rollout_n__", n))
        try:
            await super()._run_prompt(prompt, sampling, trajectory, trace)
        finally:
            del _shared[uid]
            _pictures.release(uid)
            self._finished.add()

    async def _run_agent_loop(self, sampling: Any, trajectory: Any, **kwargs: Any) -> None:
        shared, validate = _shared[kwargs["uid"]], trajectory["validate"]
        try:
            try:
                shared.rows += await self._answer(sampling, trajectory, **kwargs)
            finally:
                shared.running -= 1
                if not shared.running:
                    await put(shared.rows, "val" if validate else "train")
        except Exception as error:
            if not shared.failed:
                shared.failed = True
                await report_failure(kwargs, validate, error)
            raise

    async def _answer(self, sampling: Any, trajectory: Any, *, agent_name: str, **kwargs: Any) -> list[Row]:
        """Return the rows of one session."""
        if agent_name != AGENT:
            rows: list[Row] = await super()._run_agent_loop(sampling, trajectory, agent_name=agent_name, **kwargs)
            return rows
        kwargs.pop("trace", None)  # veRL's worker traces nothing
        output = await self._loop.run(sampling, **kwargs)
        return await self._agent_loop_postprocess(output, trajectory["validate"], **kwargs)

    def _compute_multi_modal_inputs(self, output: Any, input_ids: torch.Tensor) -> dict[str, torch.Tensor]:
        shared = _shared.get(_uid.get(""))
        if shared is None or shared.tokens is None:
            return dict(super()._compute_multi_modal_inputs(output, input_ids))
        _, tensors = shared.tokens.result()
        inputs = {name: value for name, value in tensors.items() if name not in ("input_ids", "attention_mask")}
        grid = inputs.get("image_grid_thw")
        if grid is not None:
            inputs["images_seqlens"] = torch.repeat_interleave(grid[:, 1] * grid[:, 2], grid[:, 0])
        if _validate.get():
            inputs.pop("pixel_values", None)
        elif shared.names:
            inputs.pop("pixel_values", None)
            inputs[PICTURES] = shared.names
        return inputs  # a new dict each time: the caller takes mm_token_type_ids out of it

    def _compute_position_ids(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, inputs: dict[str, Any], *args: Any
    ) -> torch.Tensor:
        shared = _shared.get(_uid.get(""))
        compute = super()._compute_position_ids
        if shared is None or shared.tokens is None:
            return compute(input_ids, attention_mask, inputs, *args)
        prompt_ids, _ = shared.tokens.result()
        tokens = len(prompt_ids)
        if shared.positions is None:
            shared.positions = compute(input_ids[:, :tokens], attention_mask[:, :tokens], dict(inputs), *args)
        inputs.pop("mm_token_type_ids", None)  # as in veRL: they are for positions alone
        return extend_position_ids(shared.positions, input_ids.shape[1] - tokens)

    async def _agent_loop_postprocess(self, output: Any, validate: bool, **kwargs: Any) -> list[Row]:
        """Score the outputs of a session and return their rows; they are stored with those of the prompt."""
        for column in _NOT_NEEDED_AFTER_ROLLOUT:
            kwargs.pop(column, None)
        outputs = output if isinstance(output, list) else [output]
        if not outputs:
            return []
        _validate.set(validate)
        if not validate and stores_apart(self.config):
            await self._store_pictures(_shared[kwargs["uid"]], kwargs["global_steps"])
        await self._compute_score(outputs, kwargs)
        last = outputs[-1]
        await self._compute_teacher_logprobs(last, last.prompt_ids, last.response_ids, validate, kwargs)
        for earlier in outputs[:-1]:
            earlier.reward_score = last.reward_score
            earlier.extra_fields["reward_extra_info"] = last.extra_fields["reward_extra_info"]
        return [self._row(each, kwargs, number) for number, each in enumerate(outputs)]

    def _row(self, output: Any, columns: dict[str, Any], number: int) -> Row:
        tokens = torch.tensor([output.prompt_ids + output.response_ids])
        inputs = self._compute_multi_modal_inputs(output, tokens[0])
        positions = self._compute_position_ids(tokens, torch.ones_like(tokens), inputs)
        return row_of(output, columns, number, positions[0], inputs)

    async def _store_pictures(self, shared: _Shared, step: int) -> None:
        shared.names = [name_of(step, picture.key) for picture in shared.pictures]
        for name, picture in zip(shared.names, shared.pictures, strict=True):
            await self._stored.put(name, picture.pixel_values)

    async def _compute_score(self, outputs: list[Any], kwargs: dict[str, Any]) -> None:
        row = {**kwargs, "validate": _validate.get()}  # a curriculum is for training only
        response = outputs[-1]
        if response.reward_score is not None or self._rules is None or not self._rules.is_trusted(row):
            await super()._compute_score(outputs, row)
            return
        timing: dict[str, float] = {}
        with simple_timer("compute_score", timing):
            result = await self._rules.run_response(row, response.response_ids)
        response.metrics.compute_score = timing["compute_score"]
        response.reward_score = result["reward_score"]
        response.extra_fields["reward_extra_info"] = result["reward_extra_info"]


class VisualRFTAgentLoopManager(AgentLoopManagerTQ):
    """Starts `VisualRFTAgentLoopWorker` processes in place of veRL's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take veRL's arguments; the worker class is set after veRL has set its own."""
        super().__init__(*args, **kwargs)
        self.agent_loop_workers_class = ray.remote(VisualRFTAgentLoopWorker)

    def generate_sequences(self, prompts: Any) -> None:
        """Start rollouts; prompts about the same picture go to the same worker, all others as veRL splits them."""
        about = [pictures_of(messages) for messages in prompts["raw_prompt"]]
        if len(set(about)) == len(about):
            super().generate_sequences(prompts)
            return
        parts = zip(self.agent_loop_workers, shares(about, len(self.agent_loop_workers)), strict=True)
        ray.get(
            [
                worker.generate_sequences.remote(tensordict_utils.index_select_tensor_dict(prompts, part))
                for worker, part in parts
                if part
            ]
        )

    def rollouts(self) -> Rollouts:
        """Return what the trainer waits for finished prompts with."""
        return Rollouts(self.agent_loop_workers)
