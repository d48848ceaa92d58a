# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is in parquet files that were prepared: counts and histograms, read as a stream in little memory."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verl_visual_rft.datasets.stored_rows import (
    extra,
    ground_truth,
    open_parquet,
    picture_bytes,
    read_header,
    read_rows,
)
from verl_visual_rft.errors import UserError
from verl_visual_rft.progress import RowProgress
from verl_visual_rft.tasks import Task, Truth, load_task, read_truth
from verl_visual_rft.tasks.marks import label_of

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

_COLUMNS = ("ability", "reward_model", "extra_info", "images")
_NONE = "(not given)"
_SHOWN_CATEGORIES = 24
_BAR = 24


@dataclass(frozen=True)
class FileFacts:
    """A file as parquet sees it."""

    path: Path  #: The file.
    bytes: int  #: Its size.
    rows: int  #: Number of rows.
    row_groups: int  #: Number of row groups.
    largest_row_group: int  #: Rows of the largest one: what a reader that streams holds in memory.


@dataclass
class CategoryCount:
    """Rows that ask for a category, those of them without an object, and their boxes."""

    rows: int = 0
    negatives: int = 0
    boxes: int = 0


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


def _histograms() -> dict[str, Histogram]:
    return {
        "boxes": Histogram("boxes a row", (0, 1, 2, 3, 4, 5, 10, 20)),
        "area": Histogram("box area, percent of the picture", (0, 0.1, 1, 5, 10, 25, 50)),
        "aspect": Histogram("box width / height, in pixels", (0, 0.25, 0.5, 1, 2, 4)),
        "side": Histogram("longer side of a picture, pixels", (0, 256, 512, 768, 1024, 2048)),
        "bytes": Histogram("kB a picture", (0, 20, 50, 100, 200, 500, 1000)),
        "image_tokens": Histogram("image tokens a row", (0, 64, 128, 256, 384, 512, 1024, 2048)),
        "prompt_tokens": Histogram("prompt tokens a row, image tokens included", (0, 128, 256, 512, 768, 1024, 2048)),
    }


@dataclass
class Inspection:
    """Counts over all rows of some files. Pictures that several rows share are counted once, by their bytes."""

    files: list[FileFacts] = field(default_factory=list)  #: The files.
    tasks: Counter[str] = field(default_factory=Counter)  #: Rows by ``ability``.
    splits: Counter[str] = field(default_factory=Counter)  #: Rows by ``extra_info.split``.
    #: Rows of tasks that ask by name, by ``extra_info.category`` or their label.
    categories: dict[str, CategoryCount] = field(default_factory=dict)
    negatives: int = 0  #: Rows to which "No Objects" is the answer.
    may_be_nothing: Counter[str] = field(default_factory=Counter)  #: Rows to which it can be, by task.
    boxes: int = 0  #: Marks of all rows that lie in their picture.
    unreadable: int = 0  #: Rows whose ground truth or picture cannot be read; validation says why.
    formats: Counter[str] = field(default_factory=Counter)  #: Different pictures by format and colour mode, "JPEG RGB".
    #: By name: boxes, area, aspect, side, bytes, image_tokens, prompt_tokens.
    histograms: dict[str, Histogram] = field(default_factory=_histograms)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(file.rows for file in self.files)

    @property
    def pictures(self) -> int:
        """Number of different pictures."""
        return sum(self.formats.values())

    def render(self) -> RenderableType:
        """Return tables and small bars for a terminal."""
        from rich.columns import Columns
        from rich.console import Group

        filled = [histogram.render() for histogram in self.histograms.values() if histogram.n]
        tables = [self._overview(), *([self._category_table()] if self.categories else [])]
        return Group(*tables, Columns(filled, padding=(0, 6)), *self._warnings())

    def _overview(self) -> Table:
        table = _table("", "")
        for file in self.files:
            groups = f"{file.row_groups} row groups of at most {file.largest_row_group}"
            table.add_row(str(file.path), f"{file.rows:,} rows, {file.bytes / 1e6:,.1f} MB, {groups}")
        for name, counts in (("tasks", self.tasks), ("splits", self.splits), ("pictures", self.formats)):
            table.add_row(name, ", ".join(f"{count:,} {key}" for key, count in sorted(counts.items())))
        if asked := self.may_be_nothing.total():
            share, tasks = 100 * self.negatives / asked, " and ".join(sorted(self.may_be_nothing))
            table.add_row("negatives", f"{self.negatives:,} of {asked:,} {tasks} rows ({share:.1f} %)")
        if self.histograms["boxes"].n:
            table.add_row("boxes", f"{self.boxes:,}")
        return table

    def _category_table(self) -> Table:
        ordered = sorted(self.categories.items(), key=lambda item: (-item[1].rows, item[0]))
        hidden = ordered[_SHOWN_CATEGORIES:]
        table = _table(f"category ({len(ordered)})", "rows", "negatives", "boxes")
        for name, count in ordered[:_SHOWN_CATEGORIES]:
            table.add_row(name, f"{count.rows:,}", f"{count.negatives:,}", f"{count.boxes:,}")
        if hidden:
            table.add_row(f"{len(hidden)} more", f"{hidden[-1][1].rows:,} to {hidden[0][1].rows:,} each", "", "")
        return table

    def _warnings(self) -> Iterator[str]:
        if self.unreadable:
            yield f"{self.unreadable:,} rows cannot be read; visual-rft data validate says why"
        if self.histograms["prompt_tokens"].n < self.rows:
            missing = self.rows - self.histograms["prompt_tokens"].n
            yield f"{missing:,} rows do not say their prompt tokens; prepare with --tokenizer to have them counted"


def inspect(paths: Sequence[Path]) -> Inspection:
    """Count what is in parquet files of prepared rows.

    Only the columns that are counted are read, a few rows at a time, and of pictures only the header. Fields that
    other people's rows lack are left out of the counts.

    Raises:
        UserError: A file is missing or is no parquet file.
    """
    inspection = Inspection(files=[_file_facts(path) for path in paths])
    seen: set[bytes] = set()
    with RowProgress("inspecting", inspection.rows) as progress:
        for path in paths:
            for row in read_rows(path, _COLUMNS):
                _count_row(inspection, row, seen)
                progress.advance(1)
    return inspection


def _file_facts(path: Path) -> FileFacts:
    metadata = open_parquet(path).metadata
    groups = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    return FileFacts(path, path.stat().st_size, metadata.num_rows, len(groups), max(groups, default=0))


def _count_row(inspection: Inspection, row: dict[str, Any], seen: set[bytes]) -> None:
    task = str(row.get("ability") or _NONE)
    inspection.tasks[task] += 1
    inspection.splits[str(extra(row, "split") or _NONE)] += 1
    for name in ("image_tokens", "prompt_tokens"):
        tokens = extra(row, name)
        if isinstance(tokens, int):
            inspection.histograms[name].add(tokens)
    try:
        sizes = _count_pictures(inspection, picture_bytes(row), seen)
        truth = read_truth(task, ground_truth(row))
    except UserError:
        inspection.unreadable += 1
        return
    _count_truth(inspection, load_task(task), truth, str(extra(row, "category") or ""), sizes[0] if sizes else None)


def _count_pictures(inspection: Inspection, pictures: Sequence[bytes], seen: set[bytes]) -> list[tuple[int, int]]:
    sizes = []
    for data in pictures:
        header = read_header(data)
        sizes.append(header.size)
        digest = hashlib.blake2b(data, digest_size=16).digest()
        if digest not in seen:
            seen.add(digest)
            inspection.formats[f"{header.format} {header.mode}"] += 1
            inspection.histograms["side"].add(max(header.size))
            inspection.histograms["bytes"].add(len(data) / 1000)
    return sizes


def _count_truth(
    inspection: Inspection, task: Task[Any, Any], truth: Truth, category: str, size: tuple[int, int] | None
) -> None:
    marks = truth.marks()
    boxes = [mark.box for mark in marks if mark.points]
    inspection.negatives += truth.is_negative
    inspection.may_be_nothing.update([task.name] if task.may_be_nothing else [])
    inspection.boxes += len(boxes)
    if task.coordinates:
        inspection.histograms["boxes"].add(len(boxes))
        for x1, y1, x2, y2 in boxes:
            across, down = (x2 - x1) / truth.extent[0], (y2 - y1) / truth.extent[1]
            inspection.histograms["area"].add(100 * across * down)
            if size and down:
                inspection.histograms["aspect"].add(across * size[0] / (down * size[1]))
    if not task.asks_by_name:
        return  # what is asked for is an instruction, one of its own in nearly every row
    count = inspection.categories.setdefault(label_of(marks) or category or _NONE, CategoryCount())
    count.rows += 1
    count.negatives += truth.is_negative
    count.boxes += len(boxes)


def _table(*headings: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_header=any(headings), pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 or not any(headings) else "right", overflow="fold")
    return table


def _plain(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
