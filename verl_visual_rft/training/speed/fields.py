# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Workers read the columns of a batch that they compute with, not all that the transfer queue holds of it.

veRL 0.9.1 gives them every column of every row for each pass (``utils/transferqueue_utils.py:302``): the row of the
data set, the reward's details, every result so far.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

#: For log-probabilities (verl 0.9.1 ``workers/engine/fsdp/transformer_impl.py``).
OF_FORWARD = ("input_ids", "position_ids", "multi_modal_inputs", "loss_mask")
#: For an update (``workers/utils/losses.py:57``, and `one_update.compare_with_rollout`).
OF_UPDATE = (
    *OF_FORWARD,
    *("prompts", "responses", "response_mask", "advantages"),
    *("old_log_probs", "ref_log_prob", "rollout_log_probs", "rollout_is_weights"),
)


@contextmanager
def reading(fields: tuple[str, ...], batch: Any, config: Mapping[str, Any]) -> Iterator[None]:
    """Let workers read only these columns of the batch; those that it does not have are passed over.

    Other engines than FSDP, and distillation, read further ones: they get all.

    Args:
        fields: Names of columns.
        batch: veRL's ``KVBatchMeta``.
        config: Of GRPO, resolved.
    """
    distils = (config.get("distillation") or {}).get("enabled")
    if distils or config["actor_rollout_ref"]["actor"]["strategy"] not in ("fsdp", "fsdp2"):
        yield
        return
    all_fields, batch.fields = batch.fields, list(fields)
    try:
        yield
    finally:
        batch.fields = all_fields
