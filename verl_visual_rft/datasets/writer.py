# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Writing a prepared folder: parquet in small row groups, and nothing half-written under a final name."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from verl_visual_rft.errors import UserError

#: A reader that streams holds one row group: this many images.
ROW_GROUP_SIZE = 64
# One row group of COCO photographs, so that an image asked about in neighbouring rows is stored once.
_DICTIONARY_BYTES = 32 * 1024 * 1024


@contextmanager
def staged_folder(out: Path, last: str) -> Iterator[Path]:
    """Give a scratch folder inside ``out`` whose files move to ``out`` when the block succeeds.

    Args:
        out: The final folder; made when missing, files of the same names are replaced.
        last: Name of the file that is removed first and moved last: where it stands, the others are complete.

    Raises:
        UserError: The folder cannot be written, or there is no space left. The scratch folder is gone in any case.
    """
    staging = out / ".partial"
    try:
        shutil.rmtree(staging, ignore_errors=True)  # what a killed run left behind
        staging.mkdir(parents=True)
        yield staging
        (out / last).unlink(missing_ok=True)
        for path in sorted(staging.iterdir(), key=lambda path: path.name == last):
            path.replace(out / path.name)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(f"no space left for {out}; free some or choose another --out") from error
        raise UserError(f"cannot write {out}: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_parquet(path: Path, rows: Iterable[dict[str, Any]], schema: pa.Schema) -> None:
    """Write rows as they come, `ROW_GROUP_SIZE` at a time; the same rows give the same bytes."""
    remaining = iter(rows)
    with (
        path.open("wb") as file,
        pq.ParquetWriter(file, schema, compression="snappy", dictionary_pagesize_limit=_DICTIONARY_BYTES) as writer,
    ):
        while batch := list(itertools.islice(remaining, ROW_GROUP_SIZE)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema), row_group_size=ROW_GROUP_SIZE)


def write_json(path: Path, content: Any) -> None:
    """Write JSON in the order of its keys, in UTF-8."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
