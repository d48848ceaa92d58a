# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict.journal import Journal

RECORDS = [{"index": index, "response": f"a\u2028b\n{'é' * index}"} for index in range(4)]


def _write(path: Path, records: list[dict]) -> None:
    with Journal(path) as journal:
        for record in records:
            journal.append([record])


@given(st.data())
def test_a_file_that_ends_anywhere_goes_on_as_if_nothing_had_happened(data):
    with TemporaryDirectory() as folder:
        whole, cut = Path(folder, "whole"), Path(folder, "cut")
        _write(whole, RECORDS)
        cut.write_bytes(whole.read_bytes()[: data.draw(st.integers(0, whole.stat().st_size))])
        with Journal(cut) as journal:
            assert journal.records == {record["index"]: record for record in RECORDS[: len(journal.records)]}
            for record in RECORDS[len(journal.records) :]:
                journal.append([record])
        assert cut.read_bytes() == whole.read_bytes()


def test_zeros_that_a_loss_of_power_leaves_are_cut(tmp_path):
    _write(tmp_path / "journal", RECORDS[:2])
    with (tmp_path / "journal").open("ab") as file:
        file.write(b"\0" * 50 + b"\n" + json.dumps(RECORDS[3]).encode() + b"\n")
    with Journal(tmp_path / "journal") as journal:
        assert sorted(journal.records) == [0, 1]


def test_a_second_writer_is_refused(tmp_path):
    script = (
        "import sys, pathlib, verl_visual_rft.evaluation.predict.journal as j; j.Journal(pathlib.Path(sys.argv[1]))"
    )
    with Journal(tmp_path / "journal"):
        other = subprocess.run([sys.executable, "-c", script, tmp_path / "journal"], capture_output=True, text=True)
    assert other.returncode != 0
    assert "is being written by another process" in other.stderr


def test_the_lock_ends_with_its_journal(tmp_path):
    first = Journal(tmp_path / "journal")
    with pytest.raises(UserError, match="another process"):
        Journal(tmp_path / "journal")
    with first:
        pass
    _write(tmp_path / "journal", RECORDS)


def test_a_full_disk_is_one_line_and_keeps_what_was_written(tmp_path, monkeypatch):
    _write(tmp_path / "journal", RECORDS[:2])
    with Journal(tmp_path / "journal") as journal, open("/dev/full", "wb", buffering=0) as full:
        monkeypatch.setattr(journal, "_file", full)
        with pytest.raises(UserError, match="cannot write .*journal: No space left on device; make room for it"):
            journal.append(RECORDS[2:3])
        monkeypatch.undo()
    with Journal(tmp_path / "journal") as journal:
        assert sorted(journal.records) == [0, 1]
