# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Prompts about the same picture go to one rollout worker."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from verl_visual_rft.training.rollouts.pictures.processed import picture_key


def pictures_of(messages: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return names of the pictures of a prompt, in messages as veRL's data set makes them (``rl_dataset.py:313``)."""
    parts = [part for message in messages if not isinstance(message["content"], str) for part in message["content"]]
    return tuple(_name(part) for part in parts if part.get("type") == "image")


def _name(part: Mapping[str, Any]) -> str:
    if part.get("bytes"):  # as the file has them: nothing is decoded
        return hashlib.blake2b(part["bytes"], digest_size=16).hexdigest()
    return part["image"] if isinstance(part["image"], str) else picture_key(part["image"])


def shares(pictures: Sequence[Hashable], n_workers: int) -> list[list[int]]:
    """Split prompts among workers, those about the same pictures to one.

    Args:
        pictures: What each prompt is about.
        n_workers: Number of workers.

    Returns:
        Prompts of each worker, in order; the largest groups first to the worker with the fewest, some may have none.

    Example:
        >>> shares(["a", "b", "a", "c"], 2)
        [[0, 2], [1, 3]]
    """
    groups = defaultdict[Hashable, list[int]](list)
    for prompt, about in enumerate(pictures):
        groups[about].append(prompt)
    workers: list[list[int]] = [[] for _ in range(n_workers)]
    for group in sorted(groups.values(), key=len, reverse=True):
        min(workers, key=len).extend(group)
    return [sorted(prompts) for prompts in workers]
