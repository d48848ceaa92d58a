# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A page that shows rows as a person can judge them: the picture with the boxes of the ground truth drawn on it.

The boxes come from the ground truth as the reward reads it, converted back to pixels: what is drawn in the wrong place
is rewarded in the wrong place.
"""

from __future__ import annotations

import hashlib
import io
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.atomic import write_text
from verl_visual_rft.coordinates import GRID
from verl_visual_rft.datasets.stored_rows import (
    PictureHeader,
    extra,
    ground_truth,
    open_parquet,
    picture_bytes,
    read_header,
    read_rows_at,
)
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import open_picture
from verl_visual_rft.pages import templates_of
from verl_visual_rft.tasks import Truth, load_task, read_truth
from verl_visual_rft.tasks.marks import Outline, caption, label_of, outline

LONGEST_SIDE = 640
_COLUMNS = ("data_source", "prompt", "images", "ability", "reward_model", "extra_info", "messages")


@dataclass(frozen=True)
class ViewResult:
    """The page that was written, its size in bytes, and how many rows it shows of how many."""

    out: Path
    size: int
    shown: int
    rows: int


@dataclass(frozen=True)
class Card:
    """One row."""

    position: int  #: Its position in the file, from 0.
    task: str  #: Its ability.
    title: str  #: What is asked for: the category, the class or the instruction.
    category: str  #: The category or class; empty for an instruction.
    picture: str  #: Its first picture as a data URI, no side longer than `LONGEST_SIDE`; empty if it cannot be shown.
    width: int  #: Of the stored picture, in pixels.
    height: int  #: Of the stored picture.
    truth: tuple[Outline, ...]  #: The ground truth's marks.
    #: Name and value of what is known: the ground truth, where the row is from, its picture, its tokens.
    facts: tuple[tuple[str, str], ...]
    chat: tuple[tuple[str, str], ...]  #: Role and text of each turn of the prompt, of an SFT row with the answer.
    problem: str  #: Why the row cannot be shown in full; empty when it can.


def write_view(path: Path, out: Path, count: int = 48) -> ViewResult:
    """Write one HTML page that needs no network, with ``count`` rows at equal distances in the file.

    A row whose picture or ground truth cannot be read is shown with the reason in its place.

    Raises:
        UserError: The file is missing, no parquet or empty; jinja2 is not installed; ``out`` cannot be written.
    """
    rows = open_parquet(path).metadata.num_rows
    count = min(count, rows)
    if count < 1:
        raise UserError(f"{path}: nothing to show; the file has {rows} rows")
    positions = [place * rows // count for place in range(count)]
    stored = read_rows_at(path, positions, _COLUMNS)
    html = _render([make_card(position, stored[position]) for position in positions], path.name, rows)
    write_text(out, html)
    return ViewResult(out, out.stat().st_size, count, rows)


def make_card(position: int, row: Mapping[str, Any]) -> Card:
    """Return what the page shows of a row."""
    task = str(row.get("ability") or "no task")
    header: PictureHeader | None = None
    truth: Truth | None = None
    picture, stored, problems = "", "", []
    try:
        data = picture_bytes(row)
        if not data:
            raise UserError("has no bytes")
        header, picture = read_header(data[0]), _data_uri(data[0])
        stored = f"{header.format} {header.mode}, {header.size[0]} x {header.size[1]}, {len(data[0]) / 1000:,.0f} kB"
    except UserError as error:
        problems.append(f"The picture {error}.")
    try:
        truth = read_truth(task, ground_truth(row) or "")
    except UserError as error:
        problems.append(f"{error}.")
    size = header.size if header else (1, 1)
    asked = str(extra(row, "category") or (label_of(truth.marks()) if truth else ""))
    return Card(
        position=position,
        task=task,
        title=asked or task,
        category=asked if truth is None or load_task(task).asks_by_name else "",
        picture=picture,
        width=size[0],
        height=size[1],
        truth=tuple(outline(mark, size, truth.extent, caption(mark)) for mark in truth.marks() if mark.points)
        if truth
        else (),
        facts=tuple((name, str(value)) for name, value in _facts(row, truth, stored) if value not in (None, "")),
        chat=tuple(_turns(row.get("messages") or row.get("prompt"))),
        problem=" ".join(problems),
    )


def _turns(chat: object) -> Iterator[tuple[str, str]]:
    for turn in chat if isinstance(chat, list) else ():
        if isinstance(turn, Mapping):
            yield str(turn.get("role")), str(turn.get("content"))


def _facts(row: Mapping[str, Any], truth: Truth | None, stored: str) -> Iterator[tuple[str, Any]]:
    if truth:
        yield "truth", truth.in_words()
        if load_task(row["ability"]).coordinates:
            grid = truth.extent == (GRID, GRID)
            yield "coordinates", "0-1000 grid" if grid else "pixels, {:g} x {:g}".format(*truth.extent)
    yield "model family", extra(row, "model_family")
    yield "data set", row.get("data_source")
    for name in ("split", "index", "image_id", "file_name"):
        yield name.replace("_", " "), extra(row, name)
    yield "stored as", stored
    for name in ("image_tokens", "prompt_tokens"):
        yield name.replace("_", " "), extra(row, name)


def _data_uri(picture: bytes) -> str:
    # The pixels as the model gets them: EXIF orientation is not applied, and the boxes refer to that.
    try:
        with open_picture(picture) as opened:
            image = opened.convert("RGB")
    except UserError:
        raise
    except Exception as error:  # Pillow's decoders raise many types on damaged files
        raise UserError(f"does not decode: {error}") from error
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    small = io.BytesIO()
    image.save(small, format="WEBP", quality=80, exif=b"")
    return "data:image/webp;base64," + b64encode(small.getvalue()).decode()


def _render(cards: Sequence[Card], name: str, rows: int) -> str:
    environment = templates_of("verl_visual_rft.datasets")
    script = environment.get_template("view.js").render()
    return environment.get_template("view.html.j2").render(
        cards=cards,
        name=name,
        rows=rows,
        tasks=Counter(card.task for card in cards),
        categories=Counter(card.category for card in cards),
        script_sha256=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
