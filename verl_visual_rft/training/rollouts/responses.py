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


def rewards(keys: list[str], partition_id: str) -> list[tuple[dict[str, Any], float]]:
    """Read of responses what the reward manager reported and the reward that veRL stored."""
    extra_fields, scores = columns_of(keys, partition_id, "extra_fields", "rm_scores")
    return [(f["reward_extra_info"], float(s.sum())) for f, s in zip(extra_fields, scores, strict=True)]


def parse_key(key: str) -> tuple[str, int]:
    """Return the prompt and the session of a response, whose key is ``<uid of the prompt>_<session>_<index>``.

    Example:
        >>> parse_key("9f3a_7_0")
        ('9f3a', 7)
    """
    prompt, session, _ = key.rsplit("_", 2)
    return prompt, int(session)


def prompts_of(keys: Iterable[str]) -> list[str]:
    """Return the prompt of each response."""
    return [parse_key(key)[0] for key in keys]
