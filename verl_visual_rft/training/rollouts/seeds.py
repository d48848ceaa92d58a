# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A sampling seed for each response, so that a run and what is resumed of it are the same run.

vLLM's random state cannot be saved, and with several servers which of them answers is a matter of their load.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from verl_visual_rft.training.rollouts.pictures.grouping import pictures_of


def identity_of(row: Mapping[str, Any]) -> str:
    """Tell a row by what is in it: data source, index, prompt and pictures.

    The index alone would not do: veRL says 0 where a row has no ``extra_info.index`` (``rl_dataset.py:402``).

    Args:
        row: Columns ``data_source``, ``index`` and ``raw_prompt``, as veRL's data set makes them.
    """
    messages = row["raw_prompt"]
    return "\n".join(map(str, (row["data_source"], row["index"], *pictures_of(messages), *_texts(messages))))


def session_seed(seed: int, step: int, row: str, session: int) -> int:
    """Return the sampling seed of one response, in [0, 2**32).

    Args:
        seed: Of the run (``actor_rollout_ref.rollout.seed``).
        step: In which it is sampled.
        row: What `identity_of` says of its row.
        session: Its number in its group.

    Example:
        >>> session_seed(0, 1, "coco 7", 0) == session_seed(0, 1, "coco 7", 0) != session_seed(0, 1, "coco 7", 1)
        True
    """
    return zlib.crc32(f"{seed} {step} {session} {row}".encode())


def _texts(messages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        content = message["content"]
        if isinstance(content, str):
            yield content
        else:
            yield from (part["text"] for part in content if part.get("text"))
