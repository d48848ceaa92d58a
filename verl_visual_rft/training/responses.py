# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the trainer reads of the responses of a step from veRL's transfer queue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import transfer_queue as tq


def columns_of(keys: list[str], partition_id: str, *columns: str) -> list[list[Any]]:
    """Read columns of responses, in the order of ``keys``."""
    if not keys:
        return [[] for _ in columns]
    rows = tq.kv_batch_get(keys=keys, partition_id=partition_id, select_fields=list(columns))
    return [list(rows[column]) for column in columns]


def reward_infos(keys: list[str], partition_id: str) -> list[dict[str, Any]]:
    """Read what the reward manager reported of responses: the score and its components."""
    (extra_fields,) = columns_of(keys, partition_id, "extra_fields")
    return [fields["reward_extra_info"] for fields in extra_fields]


def prompts_of(keys: Iterable[str]) -> list[str]:
    """Return the prompt of each response, whose key is ``<uid of the prompt>_<session>_<index>``."""
    return [key.rsplit("_", 2)[0] for key in keys]
