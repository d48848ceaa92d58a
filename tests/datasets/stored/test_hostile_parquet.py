# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of parquet files that hold something else than rows, in every reader: one error that names the file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from verl_visual_rft.datasets import stored_rows
from verl_visual_rft.datasets.inspection import inspect
from verl_visual_rft.datasets.readers import hub_tables
from verl_visual_rft.datasets.stored_rows import read_rows
from verl_visual_rft.datasets.validation import validate
from verl_visual_rft.datasets.view import write_view
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict.engines.pictures import load_image
from verl_visual_rft.evaluation.predict.rows import describe_question, pixel_budgets, read_questions, row_batches
from verl_visual_rft.evaluation.prepared import read_pictures


def predict(path: Path) -> None:
    """Read as `predict` does, up to the pictures."""
    questions = read_questions(path)
    pixel_budgets(path)
    for batch in row_batches(path, [[row["extra_info"]["index"]] for row in questions], lambda row: row):
        for row in batch:
            load_image(row)


READERS: dict[str, Callable[[Path], Any]] = {
    "rows": lambda path: list(read_rows(path, ("prompt", "images", "extra_info"))),
    "inspect": lambda path: inspect([path]),
    "validate": lambda path: validate([path]),
    "view": lambda path: write_view(path, path.with_suffix(".html")),
    "predict": predict,
    "report": lambda path: read_pictures(path, [0]),
    "hub": lambda path: list(hub_tables.read_rows(path, ["problem"])),
}

#: Values of a column that are something else than it should hold.
WRONG: dict[str, list[Any]] = {
    "prompt": [None, "text", ["text"], [None], [{"role": "user"}], [{"role": None, "content": None}], [], 7],
    "images": [
        None,
        "text",
        [None],
        [],
        [b"x"],
        [{"bytes": None}],
        [{"bytes": "text"}],
        [{"bytes": b"", "max_pixels": 1}],
        [{"bytes": b"", "min_pixels": 1, "max_pixels": [1]}],
        [{"bytes": b"", "min_pixels": float("nan"), "max_pixels": 1.5}],
        [{"bytes": b"", "min_pixels": b"1", "max_pixels": {"a": 1}}],
        {"bytes": b"", "min_pixels": 1, "max_pixels": 1},
        [[{"bytes": b"", "min_pixels": 1, "max_pixels": 1}]],
        [7],
    ],
    "extra_info": [None, "text", 7, {"index": None}, {"index": "0"}, {"index": [0]}, {"model_family": {"a": 1}}],
    "reward_model": [None, "text", {"ground_truth": None}, {"ground_truth": 7}],
    "ability": [None, 7, "dreaming", ["detection"], b"detection"],
}


@pytest.mark.parametrize(("column", "place"), [(name, i) for name, values in WRONG.items() for i in range(len(values))])
def test_another_value_in_a_column_is_found_or_borne(tiny: Any, write_rows: Any, column: str, place: int) -> None:
    row = tiny.row("detection", 0, extra_info={"image_id": "1", "category_id": 1, "file_name": "1.jpg"})
    row[column] = (
        WRONG[column][place]
        if column != "extra_info" or not isinstance(WRONG[column][place], dict)
        else (row["extra_info"] | WRONG[column][place])
    )
    path = write_rows([row])
    assert validate([path])
    assert inspect([path]).rows == 1
    write_view(path, path.with_suffix(".html"))
    with pytest.raises(UserError, match=r"row|column"):
        predict(path)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"min_pixels": None, "max_pixels": 9}, "not two ascending pixel counts"),
        ({"min_pixels": 9, "max_pixels": None}, "not two ascending pixel counts"),
        ({"min_pixels": 10**12, "max_pixels": 10**12}, "not two ascending pixel counts"),
        ({"min_pixels": 9, "max_pixels": 3}, "not two ascending pixel counts"),
        ({"min_pixels": "9", "max_pixels": "12"}, "not two ascending pixel counts"),
        ({"min_pixels": -9, "max_pixels": 12}, "not two ascending pixel counts"),
    ],
)
def test_pixel_limits_that_cannot_be_met_are_refused(tiny: Any, write_rows: Any, entry: Any, message: str) -> None:
    row = tiny.row("detection", 0, extra_info={"image_id": "1", "category_id": 1})
    path = write_rows([{**row, "images": [{**row["images"][0], **entry}]}])
    assert "min_pixels" in str(validate([path])[0])
    with pytest.raises(UserError, match=message):
        predict(path)


@pytest.mark.parametrize("recorded", [[1], [], {"a": 1}, "16", 1.5, True])
@pytest.mark.parametrize("key", ["image_tokens", "prompt_tokens", "width", "file_name", "split"])
def test_another_value_in_the_extra_info_is_found_or_borne(tiny: Any, write_rows: Any, key: str, recorded: Any) -> None:
    path = write_rows([tiny.row("detection", 0, extra_info={key: recorded})])
    validate([path], max_prompt_tokens=99)
    inspect([path])
    write_view(path, path.with_suffix(".html"))


def test_a_row_without_a_category_s_id_is_asked_about(tiny: Any, write_rows: Any) -> None:
    (question,) = read_questions(write_rows([tiny.row("detection", 0, extra_info={"image_id": "1"})]))
    question["extra_info"].pop("category_id", None)
    assert describe_question(question)["category_id"] is None


def test_a_truth_that_is_nested_too_deeply_is_found(tiny: Any, write_rows: Any) -> None:
    truth = '{"boxes": ' + "[" * 99_999 + "]" * 99_999 + "}"
    path = write_rows([tiny.row("detection", 0, reward_model={"style": "rule", "ground_truth": truth})])
    assert "nested too deeply" in str(validate([path])[0])
    assert inspect([path]).unreadable == 1
    write_view(path, path.with_suffix(".html"))


def test_an_unknown_model_family_is_named(tiny: Any, write_rows: Any) -> None:
    row = tiny.row("detection", 0, extra_info={"image_id": "1", "category_id": 1, "model_family": "llava"})
    with pytest.raises(UserError, match="of the unknown model family 'llava'"):
        predict(write_rows([row]))


def invalid_text(tiny: Any, path: Path) -> Path:
    """Write rows whose texts are not UTF-8: Arrow writes the bytes as they are."""
    rows = [tiny.row("detection", index) for index in range(2)]
    table = pa.Table.from_pylist([row | {"problem": "a"} for row in rows])
    raw = pa.array([b"ok", b"\xff\xfe"], pa.binary())
    broken = pa.StringArray.from_buffers(2, raw.buffers()[1], raw.buffers()[2])
    for name in ("problem", "data_source", "ability"):
        table = table.set_column(table.schema.get_field_index(name), name, broken)
    chats = pa.StructArray.from_arrays([broken, broken], ["role", "content"])
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), chats)
    table = table.set_column(table.schema.get_field_index("prompt"), "prompt", lists)
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize("reader", [name for name in READERS if name != "report"])
def test_text_that_is_not_utf_8_is_one_error(reader: str, tiny: Any, tmp_path: Path) -> None:
    path = invalid_text(tiny, tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"a\.parquet.*column '(prompt|ability|problem|data_source)' .*not UTF-8"):
        READERS[reader](path)


@pytest.mark.parametrize("compression", ["zstd", "gzip", "brotli", "snappy", "lz4"])
@pytest.mark.parametrize("reader", READERS)
def test_what_unpacks_out_of_all_proportion_is_not_unpacked(
    reader: str, compression: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_rows, "_MOST_UNPACKED", 1 << 20)
    monkeypatch.setattr(stored_rows, "_TIGHTEST", 15)
    path = tmp_path / "a.parquet"
    table = pa.table({"problem": [b"\0" * (4 << 20)], "images": [[{"bytes": b"\0" * (4 << 20)}]]})
    pq.write_table(table, path, compression=compression, use_dictionary=False)
    with pytest.raises(UserError, match=r"a\.parquet: row group 0, column '.*': .* bytes that unpack to 4,"):
        READERS[reader](path)


def test_ordinary_rows_are_far_from_the_limit(tiny: Any, write_rows: Any) -> None:
    metadata = pq.read_metadata(write_rows([tiny.row("detection", index) for index in range(99)]))
    column = metadata.row_group(0).column(0)
    assert column.total_uncompressed_size < 1000 * stored_rows._TIGHTEST < stored_rows._MOST_UNPACKED


@pytest.mark.parametrize("kind", ["fifo", "directory", "zero", "missing", "text", "cut", "empty", "only magic"])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_parquet_is_one_error(reader: str, kind: str, tiny: Any, write_rows: Any, tmp_path: Path) -> None:
    whole, path = write_rows([tiny.row("detection", 0)]), tmp_path / "a.parquet"
    contents = {"text": b"{}", "cut": whole.read_bytes()[:-9], "empty": b"", "only magic": b"PAR1\0\0\0\0PAR1"}
    if kind in contents:
        path.write_bytes(contents[kind])
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"a\.parquet"):
        READERS[reader](path)
