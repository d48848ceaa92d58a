# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Histograms that take one value at a time and print as small bars."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Group

_BAR = 24


@dataclass
class Histogram:
    """Counts of values between fixed edges, with the exact range and mean.

    Example:
        >>> histogram = Histogram("boxes", (0, 1, 2))
        >>> for value in (0, 1, 1, 7): histogram.add(value)
        >>> histogram.counts, histogram.mean
        ([1, 2, 1], 2.25)
    """

    title: str  #: What is counted.
    #: Ascending; a bin holds ``edges[i] <= value < edges[i + 1]``. The last bin is open to the right, the first to
    #: the left.
    edges: Sequence[float]
    counts: list[int] = field(default_factory=list)  #: One for each bin, ``len(edges)`` of them.
    n: int = 0  #: Number of values.
    total: float = 0.0  #: Their sum.
    minimum: float | None = None  #: The smallest; None without values.
    maximum: float | None = None  #: The largest; None without values.

    def __post_init__(self) -> None:
        self.counts = [0] * len(self.edges)

    @property
    def mean(self) -> float:
        """Arithmetic mean; 0 without values."""
        return self.total / self.n if self.n else 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[max(bisect_right(self.edges, value) - 1, 0)] += 1
        self.n += 1
        self.total += value
        self.minimum = value if self.minimum is None else min(self.minimum, value)
        self.maximum = value if self.maximum is None else max(self.maximum, value)

    def render(self) -> Group:
        """Return a heading and the bins from the first to the last filled one, with bars relative to the fullest."""
        from rich import box
        from rich.bar import Bar
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
        table.add_column(justify="right", no_wrap=True, min_width=15)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(width=_BAR)
        filled = [place for place, count in enumerate(self.counts) if count]
        for place in range(filled[0], filled[-1] + 1) if filled else ():
            table.add_row(self._label(place), f"{self.counts[place]:,}", Bar(max(self.counts), 0, self.counts[place]))
        spread = f"{_plain(self.minimum)} to {_plain(self.maximum)}, mean {_plain(self.mean)}"
        return Group(Text(self.title, style="bold"), Text(spread), table)

    def _label(self, place: int) -> str:
        low = self.edges[place]
        if place == len(self.edges) - 1:
            return f"{_plain(low)} and more"
        high = self.edges[place + 1]
        single = high == low + 1 and all(float(edge).is_integer() for edge in self.edges)
        return _plain(low) if single else f"{_plain(low)} to {_plain(high)}"


def _plain(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
