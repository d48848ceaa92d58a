# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Answers saved as they come: a file that is only ever appended to, and read again after a kill."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import parse_json
from verl_visual_rft.locks import open_locked


class Journal:
    """JSON lines, each with the ``index`` of the row that it belongs to, in any order.

    What a kill left of a line is cut off on opening. One process writes a journal, so workers need no files of their
    own; a second process that opens it is refused.

    Args:
        path: File to go on with, or to begin.

    Raises:
        UserError: Another process has it open, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        """Open the file and read its whole lines."""
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open_locked(path)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror or error}; give another --out") from error
        self.records = self._read()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):  # what a full disk did not take is said where it was written
            self._file.close()

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write records and wait until they are on the disk.

        Raises:
            UserError: They cannot be written; what was written before is kept.
        """
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        try:
            self._file.write(lines.encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise UserError(f"cannot write {self._path}: {error.strerror or error}; make room for it") from error
        self.records.update({record["index"]: dict(record) for record in records})

    def delete(self) -> None:
        """Remove the file; what it held is elsewhere now."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> dict[int, dict[str, Any]]:
        records, whole = dict[int, dict[str, Any]](), 0
        self._file.seek(0)
        for line in self._file:
            record = _decode(line)
            if record is None:
                break
            records[record["index"]] = record
            whole += len(line)
        self._file.truncate(whole)
        return records


def _decode(line: bytes) -> dict[str, Any] | None:
    """Return a line's record; None for a torn line, or one that a loss of power left as zeros."""
    if not line.endswith(b"\n"):
        return None
    try:
        record: dict[str, Any] = parse_json(line)
    except UserError:
        return None
    return record
