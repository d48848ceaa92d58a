# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of reading parquet files as a stream."""

from __future__ import annotations

from pathlib import Path

import pytest

from verl_visual_rft.datasets.stored_rows import picture_bytes, read_header, read_rows, read_rows_at
from verl_visual_rft.errors import UserError


def test_rows_come_in_order_with_the_columns_that_are_there(tiny, write_rows) -> None:
    path = write_rows([tiny.row(index=index) for index in range(40)])
    rows = list(read_rows(path, ("ability", "extra_info", "messages")))
    assert [row["extra_info"]["index"] for row in rows] == list(range(40))
    assert rows[0].keys() == {"ability", "extra_info"}


@pytest.mark.parametrize("positions", [[], [0], [39], [2, 3, 20], range(40)])
def test_rows_at_positions(tiny, write_rows, positions) -> None:
    path = write_rows([tiny.row(index=index) for index in range(40)], row_group_size=17)
    rows = read_rows_at(path, positions, ("extra_info",))
    assert {position: row["extra_info"]["index"] for position, row in rows.items()} == {n: n for n in positions}


def test_headers(tiny) -> None:
    header = read_header(tiny.encode(1, (30, 20), "JPEG"))
    assert (header.format, header.mode, header.size, header.orientation) == ("JPEG", "RGB", (30, 20), 1)


@pytest.mark.parametrize(("data", "says"), [(b"GIF89a", "damaged|no picture"), (b"text", "no picture")])
def test_what_is_no_picture(data: bytes, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read_header(data)


@pytest.mark.parametrize("pictures", [[{"bytes": None}], [None], ["a.jpg"], [{"bytes": b""}]])
def test_pictures_without_bytes(pictures) -> None:
    with pytest.raises(UserError, match="without 'bytes'"):
        picture_bytes({"images": pictures})


def test_missing_and_damaged_files(tiny, write_rows, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        list(read_rows(tmp_path / "none.parquet", ()))
    (tmp_path / "text.parquet").write_text("no parquet at all")
    with pytest.raises(UserError, match=r"text\.parquet cannot be read as parquet"):
        list(read_rows(tmp_path / "text.parquet", ()))
    path = write_rows([tiny.row(index=index) for index in range(9)])
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)
    path.write_bytes(content)
    with pytest.raises(UserError, match="row group 0 is damaged"):
        list(read_rows(path, ("data_source", "images")))
