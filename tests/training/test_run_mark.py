# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import pytest

from verl_visual_rft.training.run_mark import draw_secret, remove_own, short_name


def test_a_name_is_of_a_run_in_a_container(monkeypatch):
    name = short_name(Path("/workspace/rft"), 8)
    assert len(name) == 8 and name == short_name(Path("/workspace/rft"), 12)[:8]
    assert name != short_name(Path("/workspace/sft"), 8)
    monkeypatch.setattr(os, "readlink", lambda path: "pid:[1]")  # as another container sees it
    assert name != short_name(Path("/workspace/rft"), 8)


def test_nobody_else_can_tell_a_name_in_advance(tmp_path):
    """Else another user of the machine plants a file in /tmp or /dev/shm that the run cannot replace."""
    told = short_name(tmp_path, 8)
    draw_secret(tmp_path)
    name = short_name(tmp_path, 8)
    assert name != told
    (secret,) = tmp_path.iterdir()
    assert secret.stat().st_mode & 0o777 == 0o600
    draw_secret(tmp_path)  # the next start: the name of this one was to be seen in /tmp
    assert short_name(tmp_path, 8) not in (name, told)


PLANTED = {
    "file": Path.touch,
    "link": lambda path: path.symlink_to("/"),
    "link to nothing": lambda path: path.symlink_to("nothing"),
    "pipe": os.mkfifo,
    "socket": lambda path: os.mknod(path, 0o140600),  # S_IFSOCK
    "folder": Path.mkdir,
}


@pytest.mark.parametrize("kind", PLANTED)
def test_files_of_another_user_are_left_and_stop_nothing(kind, tmp_path, monkeypatch):
    planted, own = tmp_path / "planted", tmp_path / "own"
    PLANTED[kind](planted)
    own.touch()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert remove_own([planted, tmp_path / "gone"]) == 0 and os.path.lexists(planted)
    monkeypatch.undo()
    assert remove_own([planted, tmp_path / "gone", own]) == 1 + (kind != "folder")
    assert os.path.lexists(planted) == (kind == "folder") and not own.exists()
