# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests that lack files of others are skipped on a user's machine and fail in CI."""

import pytest
import shared_inputs


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)], ids=["at home", "in CI"]
)
def test_an_absent_file_is_seen(tmp_path, monkeypatch, ci, outcome):
    monkeypatch.setattr(shared_inputs, "FOLDER", tmp_path)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match=r"\.\./shared/data/nothing\.json is not beside"):
        shared_inputs.shared("data/nothing.json")


def test_a_present_file_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_inputs, "FOLDER", tmp_path)
    (tmp_path / "file").touch()
    assert shared_inputs.shared("file") == tmp_path / "file"
