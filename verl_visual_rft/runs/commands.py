# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The command line of each kind of stage."""

from __future__ import annotations

from pathlib import Path

from verl_visual_rft.runs.paths import repository
from verl_visual_rft.runs.words import hydra_value

Command = tuple[str, ...]


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
