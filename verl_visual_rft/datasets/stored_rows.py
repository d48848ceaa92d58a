# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of parquet files read as a stream: ours, and other people's as far as they go."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import ExifTags

from verl_visual_rft.coordinates import Size
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import MOST_PIXELS, open_picture
from verl_visual_rft.input_files import require_regular

# Held in memory at a time: this many rows with their pictures, and one page of each column.
_BATCH = 16
_PAGE_BUFFER = 1 << 20
# A column of a row group that unpacks to more than this is refused where it is packed more tightly than texts can be:
# a page, which is unpacked whole, may hold all of it.
_MOST_UNPACKED = 1 << 30
_TIGHTEST = 100
#: Most bytes of a parquet file; rows are read a few at a time.
MOST_PARQUET_BYTES = 1 << 42


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What the first bytes of an encoded picture say."""

    format: str  #: As Pillow names it, "JPEG".
    mode: str  #: Colour mode as Pillow names it, "RGB".
    size: Size  #: ``(width, height)`` in pixels, as stored.
    orientation: int  #: EXIF orientation, 1 to 8; 1 is upright.
    content: bytes = b""  #: Hash of the pixels, where they were decoded: files of one picture may differ in all else.


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a parquet file for reading in small pieces.

    Raises:
        UserError: There is no such file, it is not parquet, or it unpacks to a size that no rows have.
    """
    try:
        require_regular(path, MOST_PARQUET_BYTES)
        file = pq.ParquetFile(path, buffer_size=_PAGE_BUFFER)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give a parquet file that `visual-rft data prepare` wrote") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{path} cannot be read as parquet: {error}") from error
    _refuse_bomb(path, file.metadata)
    return file


def _refuse_bomb(path: Path, metadata: pq.FileMetaData) -> None:
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            column = metadata.row_group(group).column(number)
            packed, unpacked = column.total_compressed_size, column.total_uncompressed_size
            if unpacked > max(_MOST_UNPACKED, _TIGHTEST * packed):
                raise UserError(
                    f"{path}: row group {group}, column {column.path_in_schema!r}: {packed:,} bytes that unpack to "
                    f"{unpacked:,}; pictures and texts are not packed so tightly: do not trust this file"
                )


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
    if not isinstance(pictures, list):
        return []
    data = [picture.get("bytes") if isinstance(picture, Mapping) else None for picture in pictures]
    if not all(data):
        raise UserError("has an entry without 'bytes'")
    if not all(isinstance(content, bytes) for content in data):
        raise UserError("has an entry whose 'bytes' are something else")
    return [content for content in data if content]


def pixel_limits(picture: object) -> tuple[int, int] | None:
    """Return ``min_pixels`` and ``max_pixels`` of an entry of ``images``; None unless they ascend and can be decoded.

    Example:
        >>> pixel_limits({"min_pixels": 3136, "max_pixels": 401408})
        (3136, 401408)
        >>> pixel_limits({"min_pixels": 10**12, "max_pixels": 10**12})
    """
    if not isinstance(picture, Mapping):
        return None
    low, high = picture.get("min_pixels"), picture.get("max_pixels")
    if not isinstance(low, int) or not isinstance(high, int):
        return None
    return (low, high) if 0 < low <= min(high, MOST_PIXELS) else None


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
            yield from plain_rows(batch, f"{path}: row group {group}")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UserError(f"{path}: row group {group} is damaged: {error}; prepare the data again") from error


def plain_rows(batch: pa.RecordBatch, where: str) -> list[dict[str, Any]]:
    """Return the rows of a batch as Python's values.

    Raises:
        UserError: A column is not sound: see `require_sound`.
    """
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        require_sound(column, f"{where}: column {name!r}")
    rows: list[dict[str, Any]] = batch.to_pylist()
    return rows


def require_sound(column: pa.Array | pa.ChunkedArray, where: str) -> None:
    """Check that values lie where a column says. Arrow does not, and ends the process when they are asked for.

    Raises:
        UserError: They do not, or a text is not UTF-8.
    """
    try:
        column.validate(full=True)
    except pa.ArrowException as error:
        problem = f"holds text that is not UTF-8 ({error})" if "UTF8" in str(error) else f"is damaged: {error}"
        raise UserError(f"{where} {problem}; write it again") from error
