# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the turns say: medians, ratios to plain veRL, differences of the losses, slopes of memory."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from contestants import CONTESTANTS
from rich.console import Console
from rich.table import Table
from turn import LOSSES, Turn

#: The baseline that ratios are to, where it took part.
_BASE = ("plain", "hf")
_RESPONSES = 64  # of a step, in every workload
_LAST = 200  # steps that memory must be flat over


def summarise(turns: Sequence[Turn], seeded: bool) -> dict[str, dict[str, Any]]:
    """Medians by contestant over the steps of all its turns, and the ratio of its speed to the baseline's.

    Where responses are the same (``seeded``), also how far the losses of plain veRL and ours differ.
    """
    names = list(dict.fromkeys(turn.contestant for turn in turns))
    summary = {name: _medians([turn for turn in turns if turn.contestant == name]) for name in names}
    base = next((name for name in _BASE if name in summary), names[0])
    for figures in summary.values():
        figures["speed"] = summary[base]["seconds"] / figures["seconds"]
        if summary[base]["bytes"]:
            figures["bytes_share"] = figures["bytes"] / summary[base]["bytes"]
    if seeded and {"ours", "plain"} <= summary.keys():
        summary["ours"]["losses_differ"] = _losses_differ(turns)
    return summary


def _medians(turns: Sequence[Turn]) -> dict[str, Any]:
    steps = [step for turn in turns for step in turn.steps]
    stages = {name for step in steps for name in step.stages}
    seconds = statistics.median(step.seconds for step in steps)
    idle = [step.idle for step in steps if step.idle is not None]
    return {
        "seconds": seconds,
        "fastest": min(step.seconds for step in steps),
        "samples_per_second": _RESPONSES / seconds,
        "processed_pictures": statistics.median(step.processed_pictures for step in steps),
        "put": statistics.median(step.put_bytes for step in steps),
        "read": statistics.median(step.read_bytes for step in steps),
        "bytes": statistics.median(step.put_bytes + step.read_bytes for step in steps),
        "idle": statistics.median(idle) if idle else None,
        "peak": statistics.median(turn.peak_bytes for turn in turns),
        "stages": {name: statistics.median(step.stages.get(name, 0.0) for step in steps) for name in sorted(stages)},
    }


def _losses_differ(turns: Sequence[Turn]) -> dict[str, float]:
    """Largest absolute difference between plain veRL and ours, by metric, over all steps that both did."""
    plain, ours = (
        [[turn.first, *(step.metrics for step in turn.steps)] for turn in turns if turn.contestant == name][0]
        for name in ("plain", "ours")
    )
    return {
        name: max(abs(a.get(name, math.nan) - b.get(name, math.nan)) for a, b in zip(plain, ours, strict=False))
        for name in LOSSES
    }


def print_turns(title: str, turns: Sequence[Turn], summary: dict[str, dict[str, Any]]) -> None:
    """Print a table of the contestants, one of their stages, and how far the losses differ."""
    console = _console()
    table = Table("contestant", "s a step", "fastest", "samples/s", "speed", title=title)
    for column in ("idle ms", "pictures processed", "MB put", "MB read", "of plain", "peak GB"):
        table.add_column(column, justify="right")
    for name, row in summary.items():
        table.add_row(
            CONTESTANTS[name].title,
            f"{row['seconds']:.2f}",
            f"{row['fastest']:.2f}",
            f"{row['samples_per_second']:.1f}",
            f"{row['speed']:.2f}x",
            "" if row["idle"] is None else f"{1000 * row['idle']:.0f}",
            f"{row['processed_pictures']:.0f}",
            f"{row['put'] / 1e6:.2f}",
            f"{row['read'] / 1e6:.2f}",
            f"{row['bytes_share']:.0%}" if "bytes_share" in row else "",
            f"{row['peak'] / 1e9:.2f}",
        )
    console.print(table)
    stages = list(dict.fromkeys(stage for row in summary.values() for stage in row["stages"]))
    table = Table("stage, s", *(CONTESTANTS[name].title for name in summary))
    for stage in stages:
        cells = [row["stages"].get(stage) for row in summary.values()]
        table.add_row(stage, *("" if cell is None else f"{cell:.2f}" for cell in cells))
    console.print(table)
    for metric, difference in summary.get("ours", {}).get("losses_differ", {}).items():
        console.print(f"largest difference of {metric}: {difference:.1e}")
    console.print(f"looking at memory took {max(turn.sampling_share for turn in turns):.1%} of a core")


def print_long(turns: Sequence[Turn]) -> None:
    """Print how memory and step time changed over the last steps of each turn."""
    for turn in turns:
        last = turn.memory[-_LAST:]
        table = Table("process", "MB at the end", "kB a step", title=f"memory over the last {len(last)} steps")
        for name in sorted(last[-1], key=last[-1].get, reverse=True):
            sizes = [sample.get(name, 0) for sample in last]
            table.add_row(name, f"{sizes[-1] / 1e6:.0f}", f"{slope(sizes) / 1e3:+.1f}")
        totals = [sum(sample.values()) for sample in last]
        table.add_row("all", f"{totals[-1] / 1e6:.0f}", f"{slope(totals) / 1e3:+.1f}")
        _console().print(table)
        seconds = [step.seconds for step in turn.steps[-_LAST:]]
        growth = slope(seconds) * len(seconds) / statistics.median(seconds)
        _console().print(f"step time {statistics.median(seconds):.2f} s, growth over these steps {growth:+.1%}")


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 120)


def slope(values: Sequence[float]) -> float:
    """Least-squares slope per step.

    Example:
        >>> slope([1.0, 3.0, 5.0])
        2.0
    """
    return statistics.linear_regression(range(len(values)), values).slope
