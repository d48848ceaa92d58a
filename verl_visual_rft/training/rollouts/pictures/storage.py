# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pixel values lie in the transfer queue once a picture and step, beside the rows that are about it.

veRL 0.9.1 stores them, float32, in every row (``trainer/ppo/v1/agent_loop_tq.py:194``), so each of the G rollouts of a
prompt carries them there and, for every pass, back. Here a row names its pictures, and a process that trains reads each
of them once a step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

#: Key of a row's ``multi_modal_inputs``: names of its pictures, in the order of ``image_grid_thw``.
PICTURES = "pictures"
_PARTITION = "pictures"
_FIELD = "pixel_values"


def stores_apart(config: Mapping[str, Any]) -> bool:
    """Whether every worker that reads pixel values in a run is one that looks for them here.

    Args:
        config: Of GRPO, resolved.

    Returns:
        False with another engine than FSDP, with a critic and with distillation, whose rows keep them.
    """
    return (
        config["actor_rollout_ref"]["actor"]["strategy"] in ("fsdp", "fsdp2")
        and config["trainer"].get("device") in ("cuda", "cpu")
        and config["algorithm"]["adv_estimator"] != "gae"
        and not (config.get("critic") or {}).get("enable")
        and not (config.get("distillation") or {}).get("enabled")
    )


def name_of(step: int, key: str) -> str:
    """Return the name under which a step's picture is stored.

    Example:
        >>> name_of(12, "a3f0")
        '12-a3f0'
    """
    return f"{step}-{key}"


def _step_of(name: str) -> int:
    return int(name.partition("-")[0])


class Stored:
    """What a process of rollouts has put into the transfer queue."""

    def __init__(self) -> None:
        self._puts: dict[str, asyncio.Future[Any]] = {}

    async def put(self, name: str, pixel_values: Any) -> None:
        """Store the pixel values of a picture, unless that has been done; return when they are there."""
        if name not in self._puts:
            self._puts = {other: put for other, put in self._puts.items() if _step_of(other) >= _step_of(name)}
            self._puts[name] = asyncio.ensure_future(self._put(name, pixel_values))
        await asyncio.shield(self._puts[name])

    async def _put(self, name: str, pixel_values: Any) -> None:
        import torch
        import transfer_queue as tq

        fields = {_FIELD: torch.as_tensor(pixel_values)}
        await tq.async_kv_put(key=name, partition_id=_PARTITION, fields=fields)


class Fetched:
    """Pixel values that a process that trains has read, for all passes of a step, of actor and reference alike."""

    def __init__(self) -> None:
        self._pixels: dict[str, Any] = {}

    def pixel_values(self, names: Iterable[str]) -> dict[str, Any]:
        """Return pixel values by name, in the given order; those of earlier steps are forgotten."""
        names = list(dict.fromkeys(names))
        missing = [name for name in names if name not in self._pixels]
        if missing:
            import transfer_queue as tq

            oldest = min(map(_step_of, names))
            self._pixels = {name: pixels for name, pixels in self._pixels.items() if _step_of(name) >= oldest}
            read = tq.kv_batch_get(keys=missing, partition_id=_PARTITION, select_fields=[_FIELD])
            self._pixels |= dict(zip(missing, read[_FIELD].unbind(), strict=True))
        return {name: self._pixels[name] for name in names}


def clear(step: int) -> None:
    """Take pictures of this step, and of earlier ones, out of the transfer queue."""
    import transfer_queue as tq

    stored = tq.kv_list(partition_id=_PARTITION).get(_PARTITION, {})
    names = [name for name in stored if _step_of(name) <= step]
    if names:
        tq.kv_clear(keys=names, partition_id=_PARTITION)
