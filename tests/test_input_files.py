# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of files that somebody else made: each kind of fault, and every reader that it may be handed to."""

from __future__ import annotations

import ast
import codecs
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import verl_visual_rft
from verl_visual_rft import input_files
from verl_visual_rft.datasets.coco_reading import read_coco
from verl_visual_rft.datasets.existence_map import read_existence_map
from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.datasets.readers.classification import read_coop_split
from verl_visual_rft.datasets.readers.flowers102 import _read_names
from verl_visual_rft.datasets.readers.hub_tables import find_tables
from verl_visual_rft.datasets.readers.jsonl import read_jsonl
from verl_visual_rft.datasets.readers.reasonseg import _read_json
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.masks import read_predicted_masks
from verl_visual_rft.evaluation.predict.engines.replay import ReplaySettings
from verl_visual_rft.evaluation.predictions import read_existence_stage, read_predictions
from verl_visual_rft.evaluation.prepared import read_dataset
from verl_visual_rft.evaluation.tables.measured import _read_json as read_metrics
from verl_visual_rft.evaluation.training_log import read_training_log
from verl_visual_rft.input_files import parse_json, read_bytes, read_json, read_json_lines, read_text
from verl_visual_rft.planning.models import load_model
from verl_visual_rft.tasks import read_truth, task_names
from verl_visual_rft.training.checkpoints.best import read_best
from verl_visual_rft.training.checkpoints.folders import complete_checkpoints

TASKS = task_names()

PACKAGE = Path(verl_visual_rft.__file__).parent

DEEP = "[" * 100_000 + "]" * 100_000
BROKEN: dict[str, tuple[bytes, str]] = {
    "nested lists": (DEEP.encode(), "is JSON that is nested too deeply"),
    "nested objects": (('{"a":' * 50_000 + "1" + "}" * 50_000).encode(), "is JSON that is nested too deeply"),
    "400 digits": (b'{"id":\n 1' + b"0" * 399 + b"}", r"more than 64 bits on line 2: 10000.*\.\.\. \(400 digits\)"),
    "5000 digits": (b"[-" + b"9" * 5000 + b"]", r"more than 64 bits on line 1: -9999.*\.\.\. \(5001 digits\)"),
    "2^63": (b'{"id": 9223372036854775808}', "more than 64 bits on line 1: 9223372036854775808 .19 digits"),
    "-2^63 - 1": (b'{"id": -9223372036854775809}', "more than 64 bits"),
    "2^64": (b'{"id": 18446744073709551616}', "more than 64 bits"),
    "surrogate": (b'{"names": ["a", {"b": "x\\ud800"}]}', r"surrogate pair, .* in names\[1\]\.b"),
    "low surrogate": (b'["\\uDC00"]', r"surrogate pair, .* in \[0\]"),
    "surrogate in a key": (b'{"\\udfff": 1}', "surrogate pair, .* in a key of the top level"),
    "GBK": ('{"name": "狗"}'.encode("gbk"), "is not UTF-8 text .byte 0xb9 at offset 10.; convert it, .*GBK"),
    "UTF-16": (json.dumps({"a": 1}).encode("utf-16"), "is not UTF-8 text .byte 0xff at offset 0"),
    "encoded surrogate": (b'{"a": "\xed\xa0\x80"}', "is not UTF-8 text"),
    "Latin-1": ('{"a": "é"}'.encode("latin-1"), "is not UTF-8 text"),
    "empty": (b"", "is not JSON: Expecting value"),
    "zeros": (b"\0" * 100, "is not JSON"),
    "cut": (b'{"a": [1, 2', "is not JSON"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_json_must_not_say_is_one_error(name: str, tmp_path: Path) -> None:
    data, message = BROKEN[name]
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(UserError, match=rf"(?s)a\.json .*{message}"):
        read_json(path, "mend it")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("999999999999999999", 10**18 - 1),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\\ud800"', r"\ud800"),
        ("[" * 500 + "]" * 500, None),
        ("1e400", float("inf")),
    ],
)
def test_what_is_only_unusual_is_read(text: str, value: object) -> None:
    assert value is None or parse_json(text) == value
    assert value is None or parse_json(text.encode()) == value


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(codecs.BOM_UTF8 + b'{"a": 1}\n{"a": 2}')
    assert [*read_json_lines(path, "")] == [(1, {"a": 1}), (2, {"a": 2})]
    path.write_bytes(codecs.BOM_UTF8 + b"[1]")
    assert read_json(path, "") == [1]
    assert read_text(path, "") == "[1]"


def test_lines_end_with_line_feeds_alone_and_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"a": "\u2028"}\r\n\n{"a": "\x85"}\n'.encode())
    assert [*read_json_lines(path, "")] == [(1, {"a": "\u2028"}), (3, {"a": "\x85"})]
    path.write_bytes(b"1\n2\n{\n")
    with pytest.raises(UserError, match=r"a\.jsonl: line 3 is not JSON: .*; mend it"):
        list(read_json_lines(path, "mend it"))
    path.write_bytes(b"1\n\xb0\xa1\n")
    with pytest.raises(UserError, match=r"a\.jsonl: line 2 is not UTF-8 text .byte 0xb0 at offset 0"):
        list(read_json_lines(path, "mend it"))


def predictions(path: Path) -> object:
    return read_predictions(path)


def in_place(name: str, read: Callable[[Path], object]) -> Callable[[Path], object]:
    """Return a reader that takes a folder and looks for a file of its own name in it."""

    def reader(path: Path) -> object:
        path.rename(path.with_name(name))
        return read(path.parent)

    return reader


#: Every reader of files that users give, by what it reads; with the JSON value that it would complain about least.
READERS: dict[str, Callable[[Path], object]] = {
    "COCO": lambda path: read_coco(path, path.parent),
    "existence map": read_existence_map,
    "manifest": load_manifest,
    "CoOp split": read_coop_split,
    "names of flowers": _read_names,
    "ReasonSeg": _read_json,
    "JSON lines": lambda path: read_jsonl({"train": path}, "a", "b"),
    "masks": read_predicted_masks,
    "responses": lambda path: ReplaySettings(path).load(),
    "predictions": predictions,
    "existence stage": in_place("p.meta.json", lambda folder: read_existence_stage(folder / "p.jsonl")),
    "prepared folder": in_place("manifest.json", read_dataset),
    "metrics": read_metrics,
    "training log": lambda path: read_training_log([path]),
    "model": in_place("config.json", lambda folder: load_model(str(folder))),
    "saved dataset": in_place("dataset_dict.json", find_tables),
    "best checkpoint": in_place("best.json", read_best),
}
#: Readers for which a broken last line is the trace of a kill, or another encoding than UTF-8 is allowed.
LENIENT = {
    "training log": {"nested lists", "nested objects", "UTF-16", "GBK", "Latin-1", "encoded surrogate", *BROKEN},
    "masks": {"empty"},
    "responses": {"empty"},
    "ReasonSeg": {"GBK", "UTF-16", "Latin-1", "encoded surrogate"},
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("reader", READERS)
def test_every_reader_names_the_file(reader: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "given.json"
    path.write_bytes(BROKEN[fault][0])
    if fault in LENIENT.get(reader, ()):
        try:
            READERS[reader](path)
        except UserError as error:
            assert str(tmp_path) in str(error)
        return
    with pytest.raises(UserError) as caught:
        READERS[reader](path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("kind", ["fifo", "directory", "zero", "missing", "socket", "too large"])
@pytest.mark.parametrize("reader", READERS)
def test_no_reader_waits_for_what_has_no_end(
    reader: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "given.json"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    elif kind == "socket":
        os.mknod(path, 0o140600)  # S_IFSOCK
    elif kind == "too large":
        with path.open("wb") as file:
            file.truncate(input_files.MOST_BYTES + 1)  # of holes: it takes no space
    elif reader in ("existence stage", "best checkpoint", "saved dataset", "prepared folder", "model"):
        pytest.skip("without the file there is nothing to read")
    if reader == "best checkpoint" and kind != "too large":
        pytest.skip("looks for a file, and finds none")
    if reader == "saved dataset" and kind != "too large":
        pytest.skip("looks for a file, and finds none")
    with pytest.raises(UserError) as caught:
        READERS[reader](path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "message"),
    [("fifo", "is not a regular file; write its content to one"), ("large", "has 11 bytes, more than")],
)
def test_the_reason_is_said(kind: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    os.mkfifo(path) if kind == "fifo" else path.write_bytes(b"01234567890")
    with pytest.raises(OSError, match=message):
        read_bytes(path, most=10)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("fault", [name for name, (data, _) in BROKEN.items() if data.isascii()])
def test_a_row_s_truth_is_read_alike(task: str, fault: str) -> None:
    with pytest.raises(UserError, match="ground truth .*; give"):
        read_truth(task, BROKEN[fault][0].decode())


def test_a_checkpoint_whose_description_is_broken_is_not_complete(tmp_path: Path) -> None:
    shards = tmp_path / "global_step_1/actor"
    shards.mkdir(parents=True)
    for data, _ in BROKEN.values():
        (shards / "fsdp_config.json").write_bytes(data)
        assert complete_checkpoints(tmp_path) == []


def test_json_of_others_is_parsed_here() -> None:
    """What remains are texts that this program wrote itself, and a published reward's reading."""
    ours = {
        "doctor/plugins.py",  # its own process's answer
        "rewards/registry.py",  # arguments of our own making
        "tasks/detection/reference.py",  # a response, as the published code reads it
    }
    calls = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if path != Path(input_files.__file__)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("json.loads", "json.load")
    }
    assert calls == ours
