# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

from verl_visual_rft.training.run_mark import short_name


def test_a_name_is_of_a_run_in_a_container(monkeypatch):
    name = short_name(Path("/workspace/rft"), 8)
    assert len(name) == 8 and name == short_name(Path("/workspace/rft"), 12)[:8]
    assert name != short_name(Path("/workspace/sft"), 8)
    monkeypatch.setattr(os, "readlink", lambda path: "pid:[1]")  # as another container sees it
    assert name != short_name(Path("/workspace/rft"), 8)
