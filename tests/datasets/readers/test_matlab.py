# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""MATLAB files: whole ones give plain values, any other is refused with its name."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from verl_visual_rft.datasets.readers import matlab
from verl_visual_rft.datasets.readers.matlab import read_names, read_numbers, read_records
from verl_visual_rft.errors import UserError


@pytest.fixture
def mat(tmp_path: Path) -> Path:
    records = np.zeros((1, 2), dtype=[("class", "O"), ("fname", "O")])
    records[0, 0] = (14, "00001.jpg")
    records[0, 1] = (3, "Citroën C/V.jpg")
    path = tmp_path / "some.mat"
    content: dict[str, Any] = {
        "numbers": np.array([[7, 1, 300]], dtype=np.uint16),
        "column": np.array([[7], [1]], dtype=np.uint8),
        "table": np.eye(2, dtype=np.uint8),
        "floats": np.array([[0.5]]),
        "names": np.array([["a", "Citroën C/V"]], dtype=object),
        "annotations": records,
    }
    savemat(str(path), content)
    return path


def test_values_are_plain_python(mat: Path) -> None:
    assert read_numbers(mat, "numbers") == (7, 1, 300)
    assert read_numbers(mat, "column") == (7, 1)
    assert read_names(mat, "names") == ("a", "Citroën C/V")
    assert read_records(mat, "annotations", "class", "fname") == ((14, "00001.jpg"), (3, "Citroën C/V.jpg"))
    assert {type(value) for value in read_numbers(mat, "numbers")} == {int}


@pytest.mark.parametrize("key", ["table", "floats", "names"])
def test_what_is_no_vector_of_integers_is_refused(mat: Path, key: str) -> None:
    with pytest.raises(UserError, match=f"some.mat: {key!r} is not a vector of integers"):
        read_numbers(mat, key)


def test_other_kinds_and_fields_are_refused(mat: Path) -> None:
    with pytest.raises(UserError, match=r"numbers\[0\] is 7, not one text"):
        read_names(mat, "numbers")
    with pytest.raises(UserError, match="no field 'label'"):
        read_records(mat, "annotations", "label", "fname")
    with pytest.raises(UserError, match=r"annotations\[0\].fname is '00001.jpg', not one integer"):
        read_records(mat, "annotations", "fname", "class")


def test_an_absent_variable_or_file_is_named(mat: Path) -> None:
    with pytest.raises(UserError, match="some.mat has no variable 'labels'"):
        read_numbers(mat, "labels")
    with pytest.raises(UserError, match="cannot read .*none.mat"):
        read_numbers(mat.with_name("none.mat"), "labels")


@pytest.mark.parametrize("content", [b"", b"<html>404 Not Found</html>", b"MATLAB 7.3 MAT-file".ljust(600, b"\0")])
def test_what_is_no_matlab_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.mat"
    path.write_bytes(content)
    with pytest.raises(UserError, match="some.mat"):
        read_numbers(path, "labels")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_download_that_broke_off_is_refused(mat: Path, share: float) -> None:
    data = mat.read_bytes()
    mat.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UserError, match="some.mat"):
        read_records(mat, "annotations", "class", "fname")


def zipped(element: bytes) -> bytes:
    """Return a MATLAB file of one compressed element."""
    packed = zlib.compress(element, 9)
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    return header + struct.pack("<II", 15, len(packed)) + packed


def matrix(name: bytes, count: int, content: bytes) -> bytes:
    """Return a ``uint8`` matrix of one row, perhaps with less content than its size says."""
    flags = struct.pack("<IIII", 6, 8, 9, 0)
    size = struct.pack("<IIii", 5, 8, 1, count)
    named = struct.pack("<II", 1, len(name)) + name.ljust((len(name) + 7) // 8 * 8, b"\0")
    body = flags + size + named + struct.pack("<II", 2, count) + content
    return struct.pack("<II", 14, len(body) % 2**32) + body


def test_a_file_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.mat"
    path.write_bytes(zipped(matrix(b"labels", 2**31 - 1, b"\0" * 1000)))
    with pytest.raises(UserError, match="some.mat (is not a whole MATLAB file|unpacks to more than 2 GiB)"):
        read_numbers(path, "labels")


@pytest.mark.parametrize(
    ("fault", "seconds", "problem"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", matlab.SECONDS, "its reader died on it"),
        ("import time\ntime.sleep(600)\n", 3, "reading it did not end within 3 s"),
    ],
)
def test_a_reader_that_dies_or_does_not_end_takes_nobody_with_it(
    mat: Path, monkeypatch: pytest.MonkeyPatch, fault: str, seconds: float, problem: str
) -> None:
    """SciPy's own faults differ between its versions: the child is ended as a segmentation fault ends it."""
    broken = mat.with_name("scipy")
    (broken / "io").mkdir(parents=True)
    (broken / "__init__.py").touch()
    (broken / "io/__init__.py").write_text(fault)
    monkeypatch.syspath_prepend(str(mat.parent))
    matlab._reading_process.cache_clear()  # a process that has not imported SciPy yet
    monkeypatch.setattr(matlab, "SECONDS", seconds)
    with pytest.raises(UserError, match=f"some.mat is not a whole MATLAB file: {problem}"):
        read_numbers(mat, "numbers")


def test_mutated_files_give_values_or_one_error(mat: Path, tmp_path: Path) -> None:
    original, random = mat.read_bytes(), Random(0)
    for _ in range(200):
        data = bytearray(original)
        for _ in range(random.randint(1, 8)):
            data[random.randrange(100, len(data))] = random.randrange(256)
        path = tmp_path / "mutated.mat"
        path.write_bytes(bytes(data))
        try:
            assert all(isinstance(name, str) for name in read_names(path, "names"))
        except UserError as error:
            assert "mutated.mat" in str(error)


@pytest.mark.parametrize("kind", ["fifo", "directory", "zero"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "some.mat"
    {"fifo": os.mkfifo, "directory": os.mkdir, "zero": lambda path: path.symlink_to("/dev/zero")}[kind](path)
    with pytest.raises(UserError, match="cannot read .*some.mat"):
        read_numbers(path, "labels")
