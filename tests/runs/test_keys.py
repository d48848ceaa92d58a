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


#: Words of a data preparation, a training and an answer to questions, in the folder "/x/a run".
IN_FOLDER = (
    *("python", "data_prep/coco.py", "--root", "/data/coco", "--out", "/x/a run/data", "--tokenizer", "/x/a run/model"),
    *("--run", "/x/a run/rft", "trainer.default_local_dir='/x/a run/rft/checkpoints'", "visual-rft", "/x/a run"),
    *("data.train_files=['/x/a run/data/train.parquet','/x/a run/data/train.parquet']", "data.val_files=[/x/a run/v]"),
    *("hydra.run.dir=/x/a run", 'a="/x/a run"'),
)


def test_keys_of_a_folder_are_those_of_older_versions():
    """Else a finished folder would be refused."""
    settings = settings_of(IN_FOLDER, Path("/x/a run"))
    assert stage_key("", settings) == "bac9bfb019663cf028625a5fd99079bc664247a1f30f17c41d027268b726f233"
    assert "/x/" not in "".join(settings)


@pytest.mark.parametrize(
    "word",
    [
        *("/a/m_orig", "/a/m-2/data", "/a/m.old", "/a/m b", "/a/m,b", "/a/mm", "/b/a/m", "/b/a/m/data", "x/a/m"),
        *("a.b='/a/m_orig/x'", "a.b=['/b/a/m','/a/m2']", "a.b=/a/m_orig"),
    ],
)
def test_a_folder_whose_name_begins_or_ends_alike_is_another(word):
    assert settings_of([word], Path("/a/m")) == [word]


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
