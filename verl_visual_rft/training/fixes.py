# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Defects of veRL 0.9.1 that any run on pictures can meet: one function each, with its symptom."""

from __future__ import annotations

import os
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from verl_visual_rft.training.run_mark import RUN_MARK, remove_own, short_name
from verl_visual_rft.vision_tokens import vision_tokens_of


def rebuild_equal_length_mrope(tensordict_utils: ModuleType) -> None:
    """Give M-RoPE position ids their ragged axis back when all sequences of a batch have the same length.

    Symptom: the step dies in ``chunk_tensordict`` or ``unbind`` with "Expected cond to be True" or "The size of tensor
    a (4) must match ...". TransferQueue packs equally long ``(4, L)`` position ids as a tensor that is ragged over the
    four rope rows; veRL then declares the last axis ragged without moving the data.
    verl 0.9.1 ``utils/tensordict_utils.py:910``, TransferQueue 0.1.11.
    """
    stamp_ragged_axis = tensordict_utils.maybe_fix_3d_position_ids

    def maybe_fix_3d_position_ids(data: Any) -> None:
        position_ids = data["position_ids"] if "position_ids" in data.keys() else None
        if position_ids is not None and position_ids.dim() == 3 and position_ids.is_nested:
            data["position_ids"] = ragged_over_length(position_ids)
        stamp_ragged_axis(data)

    setattr(tensordict_utils, "maybe_fix_3d_position_ids", maybe_fix_3d_position_ids)  # noqa: B010


def ragged_over_length(position_ids: Any) -> Any:
    """Return jagged position ids with values of shape ``(rope, sum of lengths)``, whichever axis they were packed over.

    Packed over the rope axis means values ``(batch * rope, L)`` and offsets that end at ``batch * rope``; anything else
    is returned as it is.
    """
    import torch

    values, offsets = position_ids.values(), position_ids.offsets()
    if int(offsets[-1]) != values.shape[0]:
        return position_ids
    batch, length = offsets.numel() - 1, values.shape[1]
    rope = values.shape[0] // batch
    flat = values.view(batch, rope, length).transpose(0, 1).reshape(rope, batch * length)
    ends = torch.arange(0, batch * length + 1, length, device=offsets.device, dtype=offsets.dtype)
    return torch.nested.nested_tensor_from_jagged(flat, ends, jagged_dim=2)


def ban_all_vision_tokens(rollout_utils: ModuleType) -> None:
    """Keep every vision token out of rollouts and validation, not only the two that stand for a picture or a video.

    Symptom: the policy can sample ``<|vision_start|>``, ``<|vision_end|>`` and ``<|vision_pad|>``. veRL's own
    ``get_rope_index`` looks one token past each ``<|vision_start|>``, and what is trained differs from what
    `visual-rft predict` lets the same model say. verl 0.9.1 ``workers/rollout/utils.py:117``, asked by the vLLM server.
    """
    placeholders = rollout_utils.get_vision_placeholder_token_ids

    def get_vision_placeholder_token_ids(processor: Any) -> list[int]:
        tokenizer = getattr(processor, "tokenizer", None)
        others = vision_tokens_of(tokenizer).values() if tokenizer is not None else ()
        return sorted({*placeholders(processor), *others})

    setattr(rollout_utils, "get_vision_placeholder_token_ids", get_vision_placeholder_token_ids)  # noqa: B010


def embed_text_without_pictures(qwen2_vl: ModuleType) -> None:
    """Let Qwen2-VL and Qwen2.5-VL compute a micro-batch without any picture.

    Symptom: "'BaseModelOutputWithPooling' object has no attribute 'mean'". So that gradients flow to the vision tower
    on every rank, veRL adds 0 times the features of an empty picture to a text-only micro-batch, and since
    transformers 5 the tower returns an object. Rows that fill up for failed sessions are such micro-batches.
    verl 0.9.1 ``models/transformers/qwen2_vl.py:393``, transformers 5.10.
    """
    embed = qwen2_vl._get_input_embeds

    def _get_input_embeds(
        model: Any,
        input_ids: Any,
        attention_mask: Any = None,
        pixel_values: Any = None,
        pixel_values_videos: Any = None,
        *grids: Any,
        **named_grids: Any,
    ) -> tuple[Any, Any]:
        if pixel_values is not None or pixel_values_videos is not None:
            embedded: tuple[Any, Any] = embed(
                model, input_ids, attention_mask, pixel_values, pixel_values_videos, *grids, **named_grids
            )
            return embedded
        text = model.get_input_embeddings()(input_ids)
        vision = model.config.vision_config
        patch = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
        grid = input_ids.new_tensor([[1, 4, 4]])
        features, _ = qwen2_vl.unpack_visual_output(model.visual(text.new_zeros(16, patch), grid_thw=grid))
        return text + 0.0 * features.mean(), attention_mask

    setattr(qwen2_vl, "_get_input_embeds", _get_input_embeds)  # noqa: B010


def send_weights_to_own_engine(vllm_rollout: ModuleType) -> None:
    """Have the trainer send its weights through a socket that no other run on the machine uses.

    Symptom: of two runs on one machine, each with a Ray cluster of its own, one loads the other's weights into its vLLM
    or waits for ever in ``update_weights``. Both use one path in /tmp: it is made of Ray's job id, and the first job of
    every cluster is 01000000. The id of Ray's node is added to it here and in `receive_weights_of_own_trainer`, and the
    run's short name, by which `remove_weight_sockets` finds what a kill leaves.
    verl 0.9.1 ``workers/rollout/vllm_rollout/vllm_rollout.py:141``.
    """
    adapter = vllm_rollout.ServerAdapter
    initialize = adapter.__init__

    @wraps(initialize)
    def __init__(self: Any, *args: Any, **named: Any) -> None:
        initialize(self, *args, **named)
        of_verl = f"-{_job()}-"
        if of_verl not in self.zmq_handle:
            raise RuntimeError(f"veRL names its socket for weights {self.zmq_handle}, without the job {_job()}")
        self.zmq_handle = self.zmq_handle.replace(of_verl, f"-{_own_job()}-")

    adapter.__init__ = __init__


def receive_weights_of_own_trainer(vllm_async_server: ModuleType) -> None:
    """Have vLLM's workers look for weights where `send_weights_to_own_engine` sends them, which see.

    The server tells them by its environment.
    verl 0.9.1 ``workers/rollout/vllm_rollout/vllm_async_server.py:143``, ``vllm_rollout/utils.py:425``.
    """
    server = vllm_async_server.vLLMHttpServer
    initialize = server.__init__

    @wraps(initialize)
    def __init__(self: Any, *args: Any, **named: Any) -> None:
        initialize(self, *args, **named)
        os.environ["VERL_RAY_JOB_ID"] = _own_job()

    server.__init__ = __init__


def remove_weight_sockets(run: Path) -> None:
    """Remove what processes of ``run`` that were killed while they sent weights have left."""
    remove_own(Path("/tmp").glob(f"rl-colocate-zmq-*-{short_name(run, 8)}-*.sock"))


def _job() -> str:
    import ray

    return str(ray.get_runtime_context().get_job_id())


def _own_job() -> str:
    """Both ends of a socket are on one node; ids of nodes are random. Shortened: sockets' paths have 107 characters."""
    import ray

    run = os.environ.get(RUN_MARK)
    name = f"{short_name(Path(run), 8)}-" if run else ""
    return f"{_job()}-{name}{ray.get_runtime_context().get_node_id()[:12]}"
