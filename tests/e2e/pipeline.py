# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How the end-to-end tests run the real commands."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from verl_visual_rft.evaluation.training_log import TrainingLog, read_training_log, training_log_files
from verl_visual_rft.miniature.pretraining import TINY_MODEL
from verl_visual_rft.training.run_mark import PLUGIN_MARK

ROOT = Path(__file__).parents[2]
NOVEL = "white triangle,black circle,blue square,magenta triangle"
CONFIG = ["--config-path", "pkg://verl_visual_rft.training.config", "--config-name"]
TIMEOUT = 420  # seconds; a run that lost a worker could wait for ever

CPU = {
    "VERL_PLATFORM": "cpu",
    "OMP_NUM_THREADS": "2",
    "OMP_WAIT_POLICY": "PASSIVE",
    "VLLM_CPU_KVCACHE_SPACE": "1",
}

# Small batches of the quick start's settings.
GRPO = [
    "device=cpu",
    "data.max_prompt_length=64",
    "data.max_response_length=48",
    "data.train_batch_size=4",
    "data.val_batch_size=8",
    "data.val_max_samples=8",
    "data.seed=0",
    f"actor_rollout_ref.model.path={TINY_MODEL}",
    "actor_rollout_ref.actor.optim.lr=1e-4",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=8",
    "actor_rollout_ref.rollout.n=4",
    "actor_rollout_ref.rollout.max_model_len=112",
    "trainer.total_epochs=100",
    "trainer.val_before_train=false",
]
#: Sessions fail that a variable numbers.
FLAKY = "actor_rollout_ref.rollout.agent.agent_loop_manager_class=flaky_sessions.FlakyManager"
#: Two steps and nothing else.
TWO_STEPS = ["trainer.total_training_steps=2", "trainer.save_freq=-1", "trainer.test_freq=-1"]


@dataclass(frozen=True)
class Trained:
    """A training that has ended.

    Attributes:
        folder: Of the run.
        data: Folder of its rows.
        overrides: What it was told beyond `GRPO`.
        environment: Variables that it needs.
        log: Its metrics.
    """

    folder: Path
    data: Path
    overrides: tuple[str, ...]
    environment: dict[str, str]
    log: TrainingLog


def run(*command: str, status: int = 0, **environment: str) -> str:
    """Run a command from the repository root and return what it printed; fail with it on another exit status."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=unmarked() | CPU | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == status, done.stdout[-6000:]
    return done.stdout


def unmarked() -> dict[str, str]:
    """Our environment without the mark of tests: a run is to know by itself whose it is."""
    return {name: value for name, value in os.environ.items() if name != PLUGIN_MARK}


def python_path(*folders: Path) -> str:
    """``PYTHONPATH`` with ``folders`` before what it has."""
    return os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])])


def grpo(folder: Path, data: Path, *overrides: str) -> list[str]:
    """The launcher's command for GRPO into ``folder`` through veRL's own entry point."""
    return [
        *[sys.executable, "-m", "verl_visual_rft.launching.launch", "--run", str(folder), "--title", "GRPO", "--"],
        *[sys.executable, "-m", "verl.trainer.main_ppo", *CONFIG, "visual_rft", *GRPO],
        *[f"data.train_files={data}/train.parquet", f"data.val_files={data}/val.parquet"],
        *[f"trainer.default_local_dir={folder}/checkpoints", *overrides],
    ]


def train(folder: Path, data: Path, *overrides: str, **environment: str) -> TrainingLog:
    """Run `grpo` to its end; return its log."""
    run(*grpo(folder, data, *overrides), **environment)
    return read_training_log(training_log_files(folder))


def failing(folder: Path, data: Path, *overrides: str, **environment: str) -> str:
    """What a `grpo` shows that must end by itself with exit status 1, on one line: a narrow terminal breaks them."""
    return " ".join(run(*grpo(folder, data, *overrides), status=1, **environment).split())


def sft(folder: Path, data: Path, steps: int, *overrides: str) -> list[str]:
    """The launcher's command for supervised fine-tuning into ``folder``."""
    return [
        *[sys.executable, "-m", "verl_visual_rft.launching.launch", "--run", str(folder), "--title", "SFT"],
        *["--steps", str(steps), "--"],
        *[
            sys.executable,
            "-m",
            "verl_visual_rft.launching.torchrun",
            "--nproc_per_node=1",
            "-m",
            "verl.trainer.sft_trainer",
            *CONFIG,
            "visual_sft",
        ],
        *["sft_device=cpu", f"data.train_files={data}/sft_train.parquet", f"model.path={TINY_MODEL}"],
        *["data.train_batch_size=8", "data.micro_batch_size_per_gpu=8", "data.max_length=160", "optim.lr=1e-4"],
        *[f"trainer.total_training_steps={steps}", f"trainer.default_local_dir={folder}/checkpoints", *overrides],
    ]
