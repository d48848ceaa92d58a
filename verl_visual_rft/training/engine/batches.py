# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rows about a picture stay together: on a rank, and in a micro-batch, where the vision tower sees it once.

verl 0.9.1 divides the rows of a step among ranks by length alone (``trainer_base.py:1594``), and those of a rank among
dynamic batches, which spreads the G responses to a prompt over them. Its ``get_group_balanced_partitions`` wants groups
of one size, and a number of them that the ranks divide: a failed session, a row that fills up, or two prompts about a
picture are enough that it cannot. Here whole groups go, the longest first, to the rank that has least to do.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from verl_visual_rft.training.rollouts.pictures.storage import PICTURES

#: The most that a rank may get to do, for groups to stay whole, of what the busiest gets in veRL's own division.
MOST_LOAD = 1.1
#: In the batch's ``extra_info``, then in the data: responses to a prompt, for dynamic batches to keep together ...
GROUP = "rows_of_a_prompt"
#: ... and pictures that an update is about, on all ranks; the mean where a batch is several.
PICTURES_OF_UPDATE = "pictures_of_update"


def arranged(pictures: Sequence[Hashable], loads: Sequence[float], n_ranks: int, n_mini_batches: int = 1) -> list[int]:
    """Order rows so that those about a picture are on one rank, beside each other.

    Where that would give a rank more than `MOST_LOAD` times what veRL's order gives the busiest, groups are halved
    until it does not. What an update is made of stays the same: rows change ranks within their mini-batch.

    Args:
        pictures: What each row is about, in veRL's order: ranks get equal parts of it, one after the other. None for a
            row that is about nothing, such as one that fills up.
        loads: How much each row is to compute.
        n_ranks: Number of ranks.
        n_mini_batches: Equal parts of each rank's part, which it updates on one after the other.

    Returns:
        The rows' numbers in their new order.

    Example:
        >>> arranged("pqpq", [3, 2, 2, 3], n_ranks=2)
        [0, 2, 1, 3]
    """
    size = len(pictures) // (n_ranks * n_mini_batches)
    parts = [range(start, start + size) for start in range(0, len(pictures), size)]
    ranks: list[list[int]] = [[] for _ in range(n_ranks)]
    for mini_batch in range(n_mini_batches):
        for rank, rows in zip(ranks, _divided(parts[mini_batch::n_mini_batches], pictures, loads), strict=True):
            rank += _beside(rows, pictures)
    return [row for rank in ranks for row in rank]


def _divided(
    parts: Sequence[Sequence[int]], pictures: Sequence[Hashable], loads: Sequence[float]
) -> Sequence[Sequence[int]]:
    """Return the parts of the ranks anew: of whole groups as far as the balance allows it."""
    most = MOST_LOAD * max(sum(loads[row] for row in part) for part in parts)
    groups: dict[Hashable, list[int]] = {}
    for row in sorted(row for part in parts for row in part):
        groups.setdefault((row,) if pictures[row] is None else pictures[row], []).append(row)
    units = list(groups.values())
    while (largest := max(map(len, units))) > 1:
        found = _placed(units, loads, len(parts), len(parts[0]))
        if max(sum(loads[row] for row in part) for part in found) <= most:
            return found
        half = math.ceil(largest / 2)
        units = [unit[start : start + half] for unit in units for start in range(0, len(unit), half)]
    return parts


def _placed(units: Iterable[list[int]], loads: Sequence[float], n_parts: int, size: int) -> list[list[int]]:
    """Put the largest unit first into the part that holds least; one for which no part has room is torn apart."""
    parts: list[list[int]] = [[] for _ in range(n_parts)]
    held = [0.0] * n_parts
    waiting = sorted(units, key=lambda unit: sum(loads[row] for row in unit))
    while waiting:
        unit = waiting.pop()
        with_room = [part for part in range(n_parts) if size - len(parts[part]) >= len(unit)]
        if with_room:
            chosen = min(with_room, key=lambda part: held[part])
        else:
            chosen = min(range(n_parts), key=lambda part: len(parts[part]))
            room = size - len(parts[chosen])
            unit, rest = unit[:room], unit[room:]
            waiting.append(rest)
        parts[chosen] += unit
        held[chosen] += sum(loads[row] for row in unit)
    return parts


def _beside(rows: Sequence[int], pictures: Sequence[Hashable]) -> list[int]:
    """Order the rows of a rank: large groups first, for an incomplete one would shift all that follow it."""
    sizes = Counter(pictures[row] for row in rows if pictures[row] is not None)
    first = {pictures[row]: row for row in sorted(rows, reverse=True)}
    return sorted(rows, key=lambda row: (-sizes[pictures[row]], first[pictures[row]], row))


def whole_rows(lengths: Sequence[int], group: int, most_tokens: int) -> int:
    """Return how many rows, one after the other, a dynamic batch shall hold whole: a group, or as much as it can.

    Args:
        lengths: Tokens of each row of a rank, in their order.
        group: Responses to a prompt.
        most_tokens: What a dynamic batch can hold.

    Returns:
        A divisor of the group and of the number of rows. Of two ranks the lesser divides the other, so it suits both.

    Example:
        >>> whole_rows([300] * 16, 8, most_tokens=2400), whole_rows([300] * 16, 8, most_tokens=2399)
        (8, 4)
    """
    size = math.gcd(len(lengths), group)
    while any(sum(lengths[start : start + size]) > most_tokens for start in range(0, len(lengths), size)) and size > 1:
        size //= next(factor for factor in range(2, size + 1) if size % factor == 0)
    return size


def lay_out(batch: Any, config: Mapping[str, Any], n_ranks: int, metrics: dict[str, Any]) -> dict[str, Any]:
    """Reorder a batch that veRL has balanced, if its rows name their pictures.

    Args:
        batch: veRL's ``KVBatchMeta``, every rank's part after the other.
        config: Of GRPO, resolved.
        n_ranks: Number of ranks.
        metrics: Of the step: ``global_seqlen/balanced_min`` and ``balanced_max`` become those of the new order.

    Returns:
        What every pass over the batch is to say in its ``extra_info``; nothing where the order is veRL's.
    """
    from verl.utils.seqlen_balancing import calculate_workload

    about = [None if tag.get("is_padding") else tuple(tag.get(PICTURES) or ()) or None for tag in batch.tags]
    names = {name for of_row in about for name in of_row or ()}
    actor, group = config["actor_rollout_ref"]["actor"], config["actor_rollout_ref"]["rollout"]["n"]
    n_mini_batches, left = divmod(len(batch), actor["ppo_mini_batch_size"] * group)
    if left:  # rows that no update follows, before a critic is warm
        n_mini_batches = 1
    # Shuffled rows are dealt to mini-batches by each rank, so ranks would change what an update is made of.
    if not names or n_mini_batches > 1 and actor["shuffle"]:
        return {}
    loads = [calculate_workload(tag["seq_len"]) for tag in batch.tags]
    batch.reorder(arranged(about, loads, n_ranks, n_mini_batches))
    lengths, part = [tag["seq_len"] for tag in batch.tags], len(batch) // n_ranks
    of_ranks = [sum(lengths[start : start + part]) for start in range(0, len(batch), part)]
    metrics |= {"global_seqlen/balanced_min": min(of_ranks), "global_seqlen/balanced_max": max(of_ranks)}
    return {GROUP: group, PICTURES_OF_UPDATE: len(names) / n_mini_batches}
