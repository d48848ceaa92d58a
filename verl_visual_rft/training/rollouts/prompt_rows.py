# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The responses to a prompt go into the transfer queue together.

verl 0.9.1 puts each of them by itself (``trainer/ppo/v1/agent_loop_tq.py:221``): four messages, of 2 to 3 ms of the one
Python process in which hundreds of sessions end. Nobody reads them before their prompt is finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verl_visual_rft.training.rollouts.pictures.storage import PICTURES


@dataclass(frozen=True)
class Row:
    """A response as the transfer queue holds it."""

    key: str
    fields: Mapping[str, Any]
    tag: Mapping[str, Any]


def row_of(
    output: Any, columns: Mapping[str, Any], number: int, position_ids: Any, multi_modal_inputs: Mapping[str, Any]
) -> Row:
    """Return what verl 0.9.1 stores of a response (``agent_loop_tq.py:178``), and its pictures' names in the tag.

    Args:
        output: veRL's ``AgentLoopOutput``.
        columns: Of the prompt's row, and of the session.
        number: Of the output in its session.
        position_ids: Of prompt and response, ``(4, tokens)``.
        multi_modal_inputs: What the model gets beside the tokens.
    """
    import torch

    fields = {**output.as_dict(), **columns}
    fields.pop("multi_modal_data", None)
    fields["loss_mask"] = fields["response_mask"]
    fields["input_ids"] = torch.cat([fields["prompts"], fields["responses"]])
    fields["position_ids"], fields["multi_modal_inputs"] = position_ids, multi_modal_inputs
    prompt_len, response_len = len(output.prompt_ids), len(output.response_ids)
    tag = {
        "status": "success",
        "prompt_len": prompt_len,
        "response_len": response_len,
        "seq_len": prompt_len + response_len,
        "global_steps": columns["global_steps"],
        "min_global_steps": fields["extra_fields"].get("min_global_steps"),
        "max_global_steps": fields["extra_fields"].get("max_global_steps"),
    }
    if PICTURES in multi_modal_inputs:
        tag[PICTURES] = multi_modal_inputs[PICTURES]
    return Row(f"{columns['uid']}_{columns['session_id']}_{number}", fields, tag)


async def put(rows: Sequence[Row], partition: str) -> None:
    """Store rows of the same columns; tensors of a column may differ in length."""
    import transfer_queue as tq
    from tensordict import TensorDict

    if not rows:
        return
    columns = {name: _column([row.fields[name] for row in rows]) for name in rows[0].fields}
    await tq.async_kv_batch_put(
        keys=[row.key for row in rows],
        fields=TensorDict(columns, batch_size=[len(rows)]),
        tags=[dict(row.tag) for row in rows],
        partition_id=partition,
    )


def _column(values: list[Any]) -> Any:
    import torch
    from tensordict import NonTensorStack

    if not all(isinstance(value, torch.Tensor) for value in values):
        return NonTensorStack(*values)
    if all(value.shape == values[0].shape for value in values):
        return torch.stack(values)
    return torch.nested.as_nested_tensor(
        values
    )  # not veRL's jagged layout: position ids differ in their last dimension
