# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Keys and lines of stages: those that folders of older versions have, when a shell script wrote them."""

from __future__ import annotations

from pathlib import Path

import pytest

from verl_visual_rft.runs import commands
from verl_visual_rft.runs.keys import changes, setting_lines, settings_of, stage_key, work_key

SETTINGS = (
    *("true", "python", "-m", "x", "--rows", "6000", "--strict", "--title", "  GRPO", "--steps=60", "--workers=2"),
    *("trainer.total_epochs=60", "trainer.total_training_steps=60", "trainer.save_freq=5", "+trainer.logger=a"),
    *("a.b='OUTPUT_DIR/x'", "c=[1,2]", "d=new\nline", "é=猫", "$(x)", "~f", "visual_rft.samples.x=1"),
    *("data.val_batch_size=3", "xmicro_batch_size_per_gpu=4", "", "q='"),
)


def test_keys_are_those_of_older_versions():
    """Else a finished folder would be refused."""
    assert stage_key("", SETTINGS) == "9be5eb532a8b96f7a56a91db0b1a2375aaf709254be77c1b82f321574eb78a49"
    assert work_key("", SETTINGS) == "0f4ef70fce3ea4fd6cc259e7f906d785264f12763484ca55144b76a77bae7425"
    assert stage_key("another", SETTINGS) != stage_key("", SETTINGS)


def test_lines_are_those_of_older_versions():
    assert setting_lines(SETTINGS) == [
        *("true", "python", "-m", "x", "--rows 6000", "--strict", r"--title \ \ GRPO", "--steps=60", "--workers=2"),
        *("trainer.total_epochs=60", "trainer.total_training_steps=60", "trainer.save_freq=5", "+trainer.logger=a"),
        *(r"a.b=\'OUTPUT_DIR/x\'", r"c=\[1\,2\]", r"$'d=new\nline'", "é=猫", r"\$\(x\)", r"\~f"),
        *("visual_rft.samples.x=1", "data.val_batch_size=3", "xmicro_batch_size_per_gpu=4", "''", r"q=\'"),
    ]


def test_a_folder_is_gone_on_with_by_a_clone_and_by_an_installed_package(monkeypatch, tmp_path):
    options = ("--root", "/coco", "--out", str(tmp_path / "data"))
    in_a_clone = commands.prepare_command("coco") + options
    monkeypatch.setattr(commands, "repository", lambda: None)
    installed = commands.prepare_command("coco") + options
    assert in_a_clone != installed
    assert settings_of(in_a_clone, tmp_path) == settings_of(installed, tmp_path)
    assert settings_of(in_a_clone, tmp_path)[:2] == ["python", "data_prep/coco.py"]  # as folders have it


@pytest.mark.parametrize(
    "command", [("visual-rft", "data", "prepare"), ("visual-rft", "data", "validate", "x"), ("python", "a.py")]
)
def test_other_commands_stand_as_they_are(command):
    assert settings_of(command, Path("/run")) == list(command)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ("a b", "b a", ""),
        ("a b", "a c", "c instead of b"),
        ("a", "a b d c", "b c d instead of nothing"),
        ("a a", "a", "nothing instead of a"),
    ],
)
def test_changes_are_lines_that_one_has_more_often(before, now, said):
    assert changes(before.split(), now.split()) == said
