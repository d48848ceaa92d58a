# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Validation of parquet files before a training: everything that would stop or mislead one, row by row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from verl_visual_rft.datasets.box_forms import Entry, corner_of_all
from verl_visual_rft.datasets.row_checks import Fault, check_row, decode, truth_of
from verl_visual_rft.datasets.stored_rows import PictureHeader, extra, open_parquet, read_rows
from verl_visual_rft.datasets.tally import question_of
from verl_visual_rft.progress import RowProgress
from verl_visual_rft.tasks import Truth

_CHUNK = 32
_REMEDY = "prepare the data with `visual-rft data prepare`; its `custom` takes data of one's own"
_COLUMNS = ("data_source", "prompt", "images", "ability", "reward_model", "extra_info", "messages")
_CHAT = "a list of {role, content} texts"


@dataclass(frozen=True)
class Finding:
    """Something that a training would trip over."""

    file: Path  #: The parquet file.
    row: int | None  #: Position in the file, from 0; None for the file as a whole.
    key: str  #: Column and field, "reward_model.ground_truth".
    problem: str  #: What is wrong.
    remedy: str  #: What to do.

    def __str__(self) -> str:
        where = f"{self.file}" if self.row is None else f"{self.file}, row {self.row}"
        return f"{where}: {self.key}: {self.problem}; {self.remedy}"


def validate(paths: Sequence[Path], max_prompt_tokens: int | None = None) -> list[Finding]:
    """Check every row of parquet files for what a training or an evaluation would trip over.

    For a file: the columns and their types. For a row: the chat, with as many ``<image>`` as there are pictures; each
    picture decodes upright, within Qwen2-VL's aspect ratio, with usable pixel limits and the size that is recorded;
    the task is known and the ground truth can be read by `read_truth` (boxes inside the extent, the label among the
    labels); the row's reward can be loaded; the prompt's tokens are within the limit; the index is not taken; an SFT
    answer says the truth. Across rows: no picture of one split is also in another, by its pixels; the same question
    about the same picture has one truth; and the boxes of a file do not all lie in a corner of their pictures.

    Args:
        paths: Files to check together, ``train.parquet`` and ``val.parquet`` say.
        max_prompt_tokens: What ``data.max_prompt_length`` will be; None leaves the length unchecked.

    Returns:
        The findings, file by file in the order of the rows; empty when there is nothing to mend.

    Raises:
        UserError: A file is missing or no parquet file.
    """
    pictures = _Pictures()
    findings: list[Finding] = []
    for path in paths:
        faults = list(_check_schema(open_parquet(path).schema_arrow))
        findings += [Finding(path, None, *fault) for fault in faults]
        if not faults:
            findings += _check_rows(path, max_prompt_tokens, pictures)
    return findings


@dataclass
class _Pictures:
    """Pictures met so far, and what was asked about them."""

    #: By the hash of its bytes, what `decode` made of a picture.
    decoded: dict[bytes, PictureHeader | str] = field(default_factory=dict)
    #: By the hash of its pixels, split, file and position of the row that first has it.
    first: dict[bytes, tuple[str, Path, int]] = field(default_factory=dict)
    #: By the hashes of the pictures, task and question (for a class, its labels), file, position and truth of the row
    #: that first asks it.
    asked: dict[tuple[tuple[bytes, ...], str, str], tuple[Path, int, Any]] = field(default_factory=dict)

    def look(self, row: Mapping[str, Any]) -> list[PictureHeader | str]:
        """Decode the row's pictures unless their like was decoded before."""
        headers = []
        for picture in row["images"] or ():
            data = (picture or {}).get("bytes") or b""
            digest = hashlib.blake2b(data, digest_size=16).digest()
            if digest not in self.decoded:
                self.decoded[digest] = decode(data)
            headers.append(self.decoded[digest])
        return headers


def _check_rows(path: Path, max_prompt_tokens: int | None, pictures: _Pictures) -> Iterator[Finding]:
    indexes: dict[int, int] = {}
    boxes: list[Entry] = []
    rows = enumerate(read_rows(path, _COLUMNS))
    total = open_parquet(path).metadata.num_rows
    # Pillow decodes outside the interpreter lock.
    with ThreadPoolExecutor() as pool, RowProgress(f"validating {path.name}", total) as progress:
        while chunk := list(islice(rows, _CHUNK)):
            looked = pool.map(lambda numbered: pictures.look(numbered[1]), chunk)
            for (position, row), headers in zip(chunk, looked, strict=True):
                contents = [header.content if isinstance(header, PictureHeader) else b"" for header in headers]
                truth = truth_of(row)
                boxes += _boxes(truth)
                for fault in (
                    *check_row(row, headers, max_prompt_tokens),
                    *_check_index(row, position, indexes),
                    *_check_splits(row, contents, pictures, (path, position)),
                    *_check_contradiction(row, contents, truth, pictures, (path, position)),
                ):
                    yield Finding(path, position, *fault)
            progress.advance(len(chunk))
    for fault in _check_corner(boxes):
        yield Finding(path, None, *fault)


def _check_index(row: Mapping[str, Any], position: int, indexes: dict[int, int]) -> Iterator[Fault]:
    index = extra(row, "index")
    remedy = "number the rows; predictions are matched to rows by it"
    if not isinstance(index, int):
        yield Fault("extra_info.index", "is not given" if index is None else f"is {index!r}, not an integer", remedy)
    elif indexes.setdefault(index, position) != position:
        yield Fault("extra_info.index", f"{index} is also that of row {indexes[index]}", remedy)


def _check_splits(
    row: Mapping[str, Any], contents: Sequence[bytes], pictures: _Pictures, here: tuple[Path, int]
) -> Iterator[Fault]:
    split = extra(row, "split") or here[0].stem
    for place, content in enumerate(contents):
        other, path, position = pictures.first.setdefault(content, (split, *here))
        if other != split and content:
            problem = f"the same picture is in split {other!r} ({path}, row {position}), this row is of {split!r}"
            yield Fault(f"images[{place}].bytes", problem, "keep it in one of them; scores would flatter the model")


def _check_contradiction(
    row: Mapping[str, Any], contents: Sequence[bytes], truth: Truth | None, pictures: _Pictures, here: tuple[Path, int]
) -> Iterator[Fault]:
    if truth is None or not contents or not all(contents):
        return
    question = question_of(row, truth)
    said = truth.claim
    path, position, first = pictures.asked.setdefault((tuple(contents), row["ability"], question), (*here, said))
    if said != first:
        problem = f"the same is asked of the same picture in {path}, row {position}, and the truth is another there"
        yield Fault("reward_model.ground_truth", problem, "keep the row that is right")


def _boxes(truth: Truth | None) -> Iterator[Entry]:
    if truth is not None:
        yield from (Entry(mark.box, truth.extent) for mark in truth.marks() if mark.points)


def _check_corner(boxes: Sequence[Entry]) -> Iterator[Fault]:
    corner = corner_of_all("xyxy", boxes)
    if corner is not None:
        problem = f"all {len(boxes)} boxes lie within {corner[0]:.2f} of the width and {corner[1]:.2f} of the height"
        remedy = "look at them: they were drawn at another resolution, it seems, or are shares taken for pixels"
        yield Fault("reward_model.ground_truth", problem, remedy)


def _check_schema(schema: pa.Schema) -> Iterator[Fault]:
    for name, expected, fits in (
        ("data_source", "text", _is_text),
        ("prompt", _CHAT, _is_chat),
        ("images", "a list of {bytes, min_pixels, max_pixels}", _is_pictures),
        ("ability", "text", _is_text),
        ("reward_model", "{style, ground_truth}", lambda kind: "ground_truth" in _field_names(kind)),
        ("extra_info", "a structure", pa.types.is_struct),
    ):
        if name not in schema.names:
            yield Fault(name, "the column is missing", _REMEDY)
        elif not fits(schema.field(name).type):
            yield Fault(name, f"the column is of type {schema.field(name).type}, not {expected}", _REMEDY)
    if "messages" in schema.names and not _is_chat(schema.field("messages").type):
        yield Fault("messages", f"the column is of type {schema.field('messages').type}, not {_CHAT}", _REMEDY)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_chat(kind: pa.DataType) -> bool:
    element = _element(kind)
    return {"role", "content"} <= _field_names(element) and all(
        _is_text(element.field(name).type) for name in ("role", "content")
    )


def _is_pictures(kind: pa.DataType) -> bool:
    element = _element(kind)
    return "bytes" in _field_names(element) and bool(
        pa.types.is_binary(element.field("bytes").type) or pa.types.is_large_binary(element.field("bytes").type)
    )


def _element(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else pa.null()


def _field_names(kind: pa.DataType) -> set[str]:
    return {kind.field(place).name for place in range(kind.num_fields)} if pa.types.is_struct(kind) else set()
