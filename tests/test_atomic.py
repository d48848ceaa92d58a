# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from verl_visual_rft.atomic import replacing, write_json, write_text
from verl_visual_rft.errors import UserError


def test_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b.txt"
    write_text(out, "é")
    write_text(out, "two\r\n")
    assert out.read_bytes() == b"two\r\n"
    assert [*out.parent.iterdir()] == [out]


def test_a_failure_leaves_the_former_file(tmp_path: Path) -> None:
    out = tmp_path / "m.json"
    write_json(out, {"value": 1.0})
    former = out.read_bytes()
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(out, {"value": float("nan")})
    with pytest.raises(KeyboardInterrupt), replacing(out) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert out.read_bytes() == former
    assert [*tmp_path.iterdir()] == [out]


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write .*file/m.json"):
        write_text(tmp_path / "file" / "m.json", "")
