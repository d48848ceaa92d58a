# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the writer: row groups, equal bytes, and nothing half-written."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from verl_visual_rft.datasets.writer import ROW_GROUP_BYTES, ROW_GROUP_SIZE, RowWriter, staged_folder, write_companion
from verl_visual_rft.errors import UserError

FULL_DEVICE = Path("/dev/full")
SCHEMA = pa.schema({"n": pa.int64(), "data": pa.binary()})


def numbered(count: int, data: bytes = b"") -> Iterator[dict[str, Any]]:
    return ({"n": n, "data": data} for n in range(count))


def write_rows(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with RowWriter(path, SCHEMA) as writer:
        for row in rows:
            writer.add(row, size=len(row["data"]))


def group_sizes(path: Path) -> list[int]:
    metadata = pq.read_metadata(path)
    return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]


def test_row_groups_are_small_and_the_order_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_rows(path, numbered(2 * ROW_GROUP_SIZE + 3))
    assert group_sizes(path) == [64, 64, 3]
    assert pq.read_table(path)["n"].to_pylist() == list(range(131))


def test_camera_originals_make_row_groups_of_fewer_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.parquet", numbered(7, bytes(ROW_GROUP_BYTES // 3 + 1)))
    assert group_sizes(tmp_path / "a.parquet") == [3, 3, 1]


def test_a_file_without_rows_is_a_parquet(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.parquet", numbered(0))
    assert pq.read_table(tmp_path / "a.parquet").schema == SCHEMA


def test_an_image_in_neighbouring_rows_is_stored_once(tmp_path: Path) -> None:
    image = bytes(range(256)) * 800
    write_rows(tmp_path / "a.parquet", numbered(ROW_GROUP_SIZE, image))
    assert (tmp_path / "a.parquet").stat().st_size < 2 * len(image)


def test_staged_files_appear_together_and_replace_older_ones(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    for text in ("first", "second"):
        with staged_folder(out, last="manifest.json") as folder:
            for name in ("manifest.json", "a.parquet"):
                (folder / name).write_text(text)
            assert text == "second" or not (out / "a.parquet").exists()
        assert {path.name: path.read_text() for path in out.iterdir()} == {"manifest.json": text, "a.parquet": text}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_folder_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a.parquet").write_text("old")
    with pytest.raises(error), staged_folder(tmp_path, last="manifest.json") as folder:
        (folder / "a.parquet").write_text("half")
        raise error
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.parquet", "old")]


@pytest.mark.skipif(not FULL_DEVICE.exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said_plainly_and_cleaned_up(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no space left for"), staged_folder(tmp_path, last="manifest.json") as folder:
        (folder / "a.parquet").symlink_to(FULL_DEVICE)
        write_rows(folder / "a.parquet", numbered(10, b"x" * 100_000))
    assert not list(tmp_path.iterdir())


def test_files_of_subfolders_are_moved_and_merged(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with staged_folder(tmp_path, last="manifest.json") as folder:
            write_companion(folder / "masks/val" / f"{name}.png", name.encode())
            write_companion(folder / "truth.json", {"é": [name]})
    written = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.*")}
    assert written == {
        "masks/val/a.png": "a",
        "masks/val/b.png": "b",
        "truth.json": '{\n "é": [\n  "b"\n ]\n}\n',
    }


def test_a_folder_that_was_made_for_nothing_is_removed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), staged_folder(tmp_path / "new", last="manifest.json"):
        raise RuntimeError
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"), staged_folder(tmp_path / "file", last="manifest.json"):
        pytest.fail("the block must not start")


@pytest.mark.parametrize(
    "fail",
    [
        lambda folder: write_rows(FULL_DEVICE, numbered(3)),
        lambda folder: write_rows(FULL_DEVICE, numbered(2 * ROW_GROUP_SIZE, bytes(9999))),
        lambda folder: write_rows(folder / "a.parquet", iter([{"n": "one", "data": b""}])),
        lambda folder: write_rows(folder / "a.parquet", iter([{"n": 2**63, "data": b""}])),
        lambda folder: write_rows(folder / "a.parquet", iter([{"n": 1, "data": b""}, {}])),
    ],
    ids=["full disk", "full disk on the way", "text", "more than 64 bits", "no row"],
)
def test_a_failure_is_raised_once_and_not_printed_when_the_writer_is_forgotten(
    fail: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    with pytest.raises((OSError, ValueError, TypeError, OverflowError, KeyError)):
        fail(tmp_path)
    gc.collect()
    assert printed == []
