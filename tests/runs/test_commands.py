# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``command.sh``: what bash makes of it is the command."""

from __future__ import annotations

import os
import string
import subprocess
from pathlib import Path

import pytest

from verl_visual_rft.runs.commands import Command, grpo_command, sft_command, write_command_file
from verl_visual_rft.runs.stages import Stage, Stages
from verl_visual_rft.runs.words import hydra_value

PRINTABLE = [character for character in string.printable if character.isprintable()] + ["é", "猫", "\n", "\t"]
WORDS = (
    *(f"{character}" for character in PRINTABLE),
    *(f"a.b={character}c{character}" for character in PRINTABLE),
    *(f"data.train_files=[{hydra_value(character)}]" for character in PRINTABLE),
    *("", "a=", "=", "~a.b", "--", "a=~/x:~/y", "$(touch ran)", "''", "\\", os.fsdecode(b"\xff")),
)


def execute(script: Path, programs: Path, *arguments: str) -> list[str]:
    """Run a command file where ``python`` prints its arguments, two of its variables and its folder."""
    programs.mkdir(exist_ok=True)
    python = programs / "python"
    python.write_text('#!/bin/bash\nprintf "%s\\0" "$@" "$VERL_PLATFORM" "$HOSTILE" "$PWD"\n')
    python.chmod(0o755)
    printed = subprocess.run([script, *arguments], stdout=subprocess.PIPE, check=True, timeout=20).stdout
    return os.fsdecode(printed).split("\0")[:-1]


@pytest.mark.parametrize(
    "command",
    [
        grpo_command(Path("/a b/rft"), 3, "iou=1,format=0.5", *WORDS),
        sft_command(Path("/out=1/it's"), 3, 2, *WORDS),
        ("python", *WORDS),
    ],
    ids=["grpo", "sft", "any"],
)
def test_bash_reads_the_command_variables_and_folder_as_they_were(tmp_path, command: Command):
    programs, folder, hostile = tmp_path / "pro grams", tmp_path / "fol'der", "a 'b'\n$(touch ran)"
    folder.mkdir()
    script = tmp_path / "rft" / "command.sh"
    write_command_file(script, command, {"VERL_PLATFORM": "cpu", "HOSTILE": hostile}, programs, folder)
    more = ("trainer.save_freq=5", "a b")
    assert execute(script, programs, *more) == [*command[1:], *more, "cpu", hostile, str(folder)]
    assert list(script.parent.iterdir()) == [script]
    assert list(folder.iterdir()) == []


def test_it_is_laid_out_as_verls_scripts_are(tmp_path):
    command = grpo_command(Path("/out/rft"), 60, "robust", "data.train_files=['/out/train.parquet']", "data.seed=0")
    write_command_file(tmp_path / "command.sh", command, {"VERL_PLATFORM": "cpu"}, Path("/venv/bin"), Path("/clone"))
    package = "pkg://verl_visual_rft.training.config"
    lines = (tmp_path / "command.sh").read_text().splitlines()
    assert lines[lines.index("cd /clone") :] == [
        "cd /clone",
        'export PATH=/venv/bin:"$PATH"',
        "export VERL_PLATFORM=cpu",
        "",
        "exec python -m verl_visual_rft.launching.launch --run /out/rft --title '  GRPO' --steps=60 -- \\",
        f"    python -m verl.trainer.main_ppo --config-path {package} --config-name visual_rft \\",
        "    trainer.default_local_dir=\"'/out/rft/checkpoints'\" \\",
        "    trainer.total_epochs=60 \\",
        "    trainer.total_training_steps=60 \\",
        "    visual_rft.reward=\"'robust'\" \\",
        "    data.train_files=\"['/out/train.parquet']\" \\",
        "    data.seed=0 \\",
        '    "$@"',
    ]


def test_a_training_leaves_it_before_it_begins(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    script = tmp_path / "rft" / "command.sh"
    stage = Stage("rft", "RFT", ("test", "-x", str(script)), is_training=True)
    Stages(tmp_path, 1, tmp_path, {"VERL_PLATFORM": "cpu"}).run(stage)
    text = script.read_text()
    assert f"exec test -x {script} \\\n" in text
    assert "export CUDA_VISIBLE_DEVICES=0,1\nexport VERL_PLATFORM=cpu\n" in text and "secret" not in text
