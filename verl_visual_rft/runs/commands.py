# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The command line of each kind of stage, and the file that keeps a training's."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from verl_visual_rft.atomic import replacing
from verl_visual_rft.runs.paths import repository
from verl_visual_rft.runs.words import hydra_value, readable_quote

Command = tuple[str, ...]

#: How ``command.sh`` begins.
_HEAD = """\
#!/usr/bin/env bash
# The training of this folder as it was executed; called again it goes on from the last checkpoint. Any veRL override
# may follow. To train anew, copy this file, and give --run and trainer.default_local_dir another folder.
set -euo pipefail
"""
_SETTING = re.compile(r"[+~]*\w[\w.@/-]*=")


def start_command(name: str) -> str:
    """Return what a user types to run an experiment: its script, or where there is no repository our command."""
    return f"bash recipes/{name}.sh" if repository() else f"visual-rft run {name}"


def help_command(name: str) -> str:
    """Return what a user types to see the variables of an experiment."""
    return f"{start_command(name)} {'--help' if repository() else '--variables'}"


def prepare_command(data_set: str) -> Command:
    """Return what prepares a data set, without options: its script, or where there is no repository our command."""
    if repository():
        return ("python", f"data_prep/{data_set}.py")
    return ("visual-rft", "data", "prepare", data_set)


def sft_command(run: Path, steps: int, ranks: int, *overrides: str) -> Command:
    """Return what trains by SFT into a folder (checkpoints/, log.txt, metrics); it goes on from the last checkpoint."""
    return (
        *_launched(run, "SFT", steps),
        *("python", "-m", "verl_visual_rft.launching.torchrun", f"--nproc_per_node={ranks}"),
        *("-m", "verl.trainer.sft_trainer"),
        *_training("visual_sft", run, steps),
        *overrides,
    )


def grpo_command(run: Path, steps: int, reward: str, *overrides: str) -> Command:
    """Return what trains by GRPO into a folder, as `sft_command`; the reward is a name or a composition."""
    return (
        *_launched(run, "GRPO", steps),
        *("python", "-m", "verl.trainer.main_ppo"),
        *_training("visual_rft", run, steps),
        f"visual_rft.reward={hydra_value(reward)}",
        *overrides,
    )


def _launched(run: Path, title: str, steps: int) -> Command:
    module = "verl_visual_rft.launching.launch"
    return ("python", "-m", module, "--run", str(run), "--title", f"  {title}", f"--steps={steps}", "--")


def _training(config: str, run: Path, steps: int) -> Command:
    return (
        *("--config-path", "pkg://verl_visual_rft.training.config", "--config-name", config),
        f"trainer.default_local_dir={hydra_value(run / 'checkpoints')}",
        *(f"trainer.total_epochs={steps}", f"trainer.total_training_steps={steps}"),
    )


def export_command(run: Path, model: str) -> Command:
    """Return what makes RUN/hf of the last checkpoint; an adapter is merged into the model that was trained."""
    return ("python", "-m", "verl_visual_rft.training.export", str(run), "--model", model)


def report_command(output: Path, reward: str, seed: int) -> Command:
    """Return what makes the page of all methods that a folder has."""
    return ("visual-rft", "report", str(output), "--reward", reward, "--seed", str(seed))


def write_command_file(
    path: Path, command: Sequence[str], variables: Mapping[str, str], programs: Path, folder: Path
) -> None:
    """Write ``command.sh``: the one flat command of a training, to copy and to change; its own arguments are passed on.

    Args:
        path: The script; its folder is made.
        command: Its words.
        variables: Environment variables that it needs.
        programs: Folder of its programs, if they are not on the PATH.
        folder: It runs there.

    Raises:
        UserError: The file cannot be written.
    """
    lines = [
        f"cd {readable_quote(str(folder))}",
        f'export PATH={readable_quote(str(programs))}:"$PATH"',
        *(f"export {readable_quote(f'{name}={value}')}" for name, value in variables.items()),
        "",
        "exec " + " \\\n    ".join([*_lines(command), '"$@"']),
    ]
    with replacing(path) as temporary:
        temporary.write_bytes(os.fsencode(_HEAD + "\n".join(lines) + "\n"))
        temporary.chmod(0o755)


def _lines(command: Sequence[str]) -> list[str]:
    """Lay a command out as veRL's scripts do: what starts the trainer, then a setting a line."""
    first = next((i for i, word in enumerate(command) if _SETTING.match(word)), len(command))
    lines: list[list[str]] = [[]]
    for word in command[:first]:
        lines[-1].append(readable_quote(word))
        if word == "--":
            lines.append([])
    return [" ".join(words) for words in lines] + [readable_quote(word) for word in command[first:]]
