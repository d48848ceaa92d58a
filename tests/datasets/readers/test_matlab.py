# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""MATLAB files: whole ones give plain values, any other is refused with its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

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
