# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of parquet files read as a stream: ours, and other people's as far as they go."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import ExifTags

from verl_visual_rft.coordinates import Size
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import open_picture

# Held in memory at a time: this many rows with their pictures, and one page of each column.
_BATCH = 16
_PAGE_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What the first bytes of an encoded picture say.

    Attributes:
        format: As Pillow names it, "JPEG".
        mode: Colour mode as Pillow names it, "RGB".
        size: ``(width, height)`` in pixels, as stored.
        orientation: EXIF orientation, 1 to 8; 1 is upright.
    """

    format: str
    mode: str
    size: Size
    orientation: int


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a parquet file for reading in small pieces.

    Raises:
        UserError: There is no such file, or it is not parquet.
    """
    try:
        return pq.ParquetFile(path, buffer_size=_PAGE_BUFFER)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give a parquet file that a script of data_prep/ wrote") from None
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path} cannot be read as parquet: {error}") from error


def read_rows(path: Path, columns: Collection[str]) -> Iterator[dict[str, Any]]:
    """Give the rows of a file in their order, with those of ``columns`` that the file has.

    Raises:
        UserError: The file is missing or damaged.
    """
    file = open_parquet(path)
    for group in range(file.num_row_groups):
        yield from _group_rows(path, file, group, columns)


def read_rows_at(path: Path, positions: Collection[int], columns: Collection[str]) -> dict[int, dict[str, Any]]:
    """Return the rows at some positions of a file, reading only the row groups that hold them.

    Raises:
        UserError: The file is missing or damaged.
    """
    file, wanted, found, start = open_parquet(path), frozenset(positions), {}, 0
    for group in range(file.num_row_groups):
        end = start + file.metadata.row_group(group).num_rows
        missing = {position for position in wanted if start <= position < end}
        if missing:
            for position, row in enumerate(_group_rows(path, file, group, columns), start):
                if position in missing:
                    found[position] = row
                    missing.remove(position)
                    if not missing:
                        break
        start = end
    return found


def read_header(data: bytes) -> PictureHeader:
    """Read the header of an encoded picture; its pixels are not decoded.

    Raises:
        UserError: It is no picture that Pillow knows, or a damaged one.
    """
    try:
        with open_picture(data) as image:
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
            upright = orientation not in range(2, 9)  # other values have no meaning and are ignored by all readers
            return PictureHeader(image.format or "?", image.mode, image.size, 1 if upright else orientation)
    except UserError:
        raise
    except Exception as error:  # Pillow's readers raise many types on damaged files; each becomes the same refusal
        raise UserError(f"is a damaged picture: {error}") from error


def picture_bytes(row: Mapping[str, Any]) -> list[bytes]:
    """Return the encoded pictures of a row.

    Raises:
        UserError: A picture is not ``{"bytes": ...}`` with content.
    """
    pictures = row.get("images")
    if not isinstance(pictures, Sequence):
        return []
    data = [picture.get("bytes") if isinstance(picture, Mapping) else None for picture in pictures]
    if not all(data):
        raise UserError("has an entry without 'bytes'")
    return [content for content in data if content]


def extra(row: Mapping[str, Any], key: str) -> Any:
    """Return a value of ``extra_info``; None where the row has none."""
    info = row.get("extra_info")
    return info.get(key) if isinstance(info, Mapping) else None


def ground_truth(row: Mapping[str, Any]) -> Any:
    """Return the ground truth of a row; None where it has none."""
    model = row.get("reward_model")
    return model.get("ground_truth") if isinstance(model, Mapping) else None


def _group_rows(path: Path, file: pq.ParquetFile, group: int, columns: Collection[str]) -> Iterator[dict[str, Any]]:
    present = [name for name in file.schema_arrow.names if name in columns]
    try:
        for batch in file.iter_batches(batch_size=_BATCH, row_groups=[group], columns=present):
            yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: row group {group} is damaged: {error}; prepare the data again") from error
