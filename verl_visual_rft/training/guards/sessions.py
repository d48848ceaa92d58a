# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How the trainer learns why sessions failed.

A session that fails costs its own response: veRL 0.9.1 keeps its siblings and fills the batch up. But the error stays
in the log of the worker (``agent_loop_tq.py:131``), and when every session of a step fails, the run ends with "no
materializable trajectories". So the first error of a prompt travels to the trainer beside the prompt's status.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

import transfer_queue as tq
from ray.exceptions import RayTaskError

from verl_visual_rft.training.guards.rows import row_name

_MOST_DETAILS = 4000  # characters of a traceback
_ERROR, _TIME = "first_error", "first_error_time"


async def report_failure(row: Mapping[str, Any], validate: bool, error: Exception) -> None:
    """Put the error of a session beside the status of its prompt.

    Args:
        row: The columns of the prompt's row, with its ``uid``.
        validate: Whether it is a session of validation.
        error: What the session raised.
    """
    lines = traceback.format_exception_only(error)[-1].strip().splitlines()
    what = lines[-1] if isinstance(error, RayTaskError) else lines[0]  # of another process: its traceback, then what
    details = "".join(traceback.format_exception(error))[-_MOST_DETAILS:]
    indented = "".join(f"\n    {line}" for line in details.splitlines())  # so that the launcher shows the first line
    tag = {_ERROR: f"{row_name(row)}: {what}{indented}", _TIME: time.time()}
    await tq.async_kv_put(key=row["uid"], partition_id="val" if validate else "train", tag=tag)


def first_error(prompts: Iterable[str], partition_id: str) -> str:
    """Return the first error that sessions of prompts have reported, which are still in the transfer queue."""
    tags = (tq.kv_list(partition_id) or {}).get(partition_id, {})
    reported = [tags[uid] for uid in prompts if _ERROR in tags.get(uid, {})]
    first: dict[str, Any] = min(reported, key=lambda tag: tag[_TIME], default={})
    return str(first.get(_ERROR, "it is in the log of the agent loop workers"))
