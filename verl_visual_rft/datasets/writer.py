# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Writing a prepared folder: parquet in small row groups, and nothing half-written under a final name."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from verl_visual_rft.errors import UserError
from verl_visual_rft.locks import alone

#: A reader that streams holds one row group: this many pictures at most, and about as many bytes of them. The limit
#: in bytes is also that of parquet's dictionary, by which a picture of several rows of a group is stored once.
ROW_GROUP_SIZE = 64
ROW_GROUP_BYTES = 32 * 1024 * 1024


@contextmanager
def staged_folder(out: Path, last: str) -> Iterator[Path]:
    """Give a scratch folder inside ``out`` whose files move to ``out`` when the block succeeds.

    Args:
        out: The final folder; made when missing, files of the same names are replaced.
        last: Name of the file that is removed first and moved last: where it stands, the others are complete.

    Raises:
        UserError: The folder cannot be written, another process writes it, or there is no space left. The scratch
            folder is gone in any case.
    """
    staging, is_new = out / ".partial", not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with alone(out, out / ".lock"):
            try:
                shutil.rmtree(staging, ignore_errors=True)  # what a killed run left behind
                staging.mkdir()
                yield staging
                _move_all(staging, out, last)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"no space left for {out}; free some or choose another --out") from error
        raise UserError(f"cannot write {out}: {error}") from error
    finally:
        if is_new and out.is_dir() and not any(out.iterdir()):
            out.rmdir()


def _move_all(staging: Path, out: Path, last: str) -> None:
    (out / last).unlink(missing_ok=True)
    written = sorted(path.relative_to(staging) for path in staging.rglob("*") if path.is_file())
    for name in sorted(written, key=lambda name: name == Path(last)):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).replace(out / name)


class RowWriter:
    """A parquet file that grows row by row; the same rows give the same bytes.

    A row group ends after `ROW_GROUP_SIZE` rows or `ROW_GROUP_BYTES` of pictures, whichever comes first: neither the
    writer nor a reader that streams holds more.

    Example:
        >>> with RowWriter(path, schema) as writer:  # doctest: +SKIP
        ...     writer.add(row, size=len(picture))
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Create the file."""
        self._schema = schema
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(
            self._file, schema, compression="snappy", dictionary_pagesize_limit=ROW_GROUP_BYTES
        )

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        with self._file:
            try:
                if exception[0] is None:
                    self._flush()
                self._writer.close()
            finally:
                self._writer.is_open = (
                    False  # else pyarrow tries once more when it is forgotten, and prints a traceback
                )

    def add(self, row: dict[str, Any], size: int) -> None:
        """Append a row whose pictures take ``size`` bytes; keys beside the schema's are left out."""
        self._rows.append(row)
        self._bytes += size
        if len(self._rows) == ROW_GROUP_SIZE or self._bytes >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            table = pa.Table.from_pylist(self._rows, schema=self._schema)
            self._writer.write_table(table, row_group_size=ROW_GROUP_SIZE)
        self._rows, self._bytes = [], 0


def write_json(path: Path, content: Any) -> None:
    """Write JSON in the order of its keys, in UTF-8, into a folder that appears when it is whole."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_companion(path: Path, content: Any) -> None:
    """Write bytes as they are and anything else as JSON, below folders that are made when missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        write_json(path, content)
