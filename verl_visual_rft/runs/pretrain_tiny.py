# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The quick start's base model, made again from nothing.

A tiny Qwen2-VL is pretrained with veRL's SFT trainer on a corpus of mixed conventions, in two phases; see
`verl_visual_rft.miniature.conventions` for what and why.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import verl_visual_rft
from verl_visual_rft.errors import UserError
from verl_visual_rft.runs.commands import sft_command
from verl_visual_rft.runs.device import device_variables
from verl_visual_rft.runs.evaluation import export_stage
from verl_visual_rft.runs.given import Given, check_no_reference, check_utf8
from verl_visual_rft.runs.paths import output_folder, work_folder
from verl_visual_rft.runs.stages import Stage, Stages, lock_output
from verl_visual_rft.runs.words import hydra_value
from verl_visual_rft.terminal import say

#: Every variable of the pretraining.
NAMES = ("OUTPUT_DIR", "SEED", "INSTALL", "SIMPLE_STEPS", "NOISY_STEPS", "DRY_RUN")
USAGE = """\
Make the quick start's base model again from nothing: a tiny Qwen2-VL, pretrained with veRL's SFT trainer on a corpus of
mixed conventions, in two phases (about 17 minutes on 2 cores). What and why: verl_visual_rft/miniature/conventions.py.

  OUTPUT_DIR=outputs/pretrain_tiny SEED=0 bash recipes/pretrain_tiny.sh
  INSTALL=1 bash recipes/pretrain_tiny.sh      also put the model in the place of the shipped one

Variables (default):
  OUTPUT_DIR (outputs/pretrain_tiny)  SEED (0)  SIMPLE_STEPS (300)  NOISY_STEPS (1500)  INSTALL (0)
  DRY_RUN (0)  1: print the commands as JSON and do nothing
"""
BATCH = 32


@dataclass(frozen=True)
class PretrainTiny:
    """The pretraining with its variables set.

    Attributes:
        seed: Of corpus and training.
        simple_steps: Of the first phase, pictures of one object.
        noisy_steps: Of the second, one to three objects.
        installs: Whether the model takes the place of the shipped one.
        is_dry: Whether the user wants to see the commands alone.
        output: Folder of the run.
        folder: Commands run there.
    """

    seed: int
    simple_steps: int
    noisy_steps: int
    installs: bool
    is_dry: bool
    output: Path
    folder: Path
    device: str = "cpu"

    def dry_run(self) -> Iterator[str]:
        """Give the lines of JSON that DRY_RUN=1 prints: the stages."""
        return (stage.as_json() for stage in self.stages())

    def run(self) -> None:
        """Run the stages; see `ExperimentRun.run`."""
        with lock_output(self.output) as lock:
            plan = self.stages()
            stages = Stages(self.output, len(plan), self.folder, device_variables(self.device, 1), kept=[lock])
            for stage in plan:
                stages.run(stage)
        model = self.output / "noisy/hf"
        if self.installs:
            shipped = Path(verl_visual_rft.__file__).resolve().parent / "miniature/tiny_qwen2vl"
            shutil.rmtree(shipped)
            shutil.copytree(model, shipped)
        say(f"the pretrained tiny model: {model}")

    def stages(self) -> list[Stage]:
        """Return the stages: the corpora, and a training for each."""
        corpus = self.output / "corpus"
        make = (
            *("python", "-m", "verl_visual_rft.miniature.pretraining", "--out", str(corpus), "--seed", str(self.seed)),
            *("--simple", str(BATCH * self.simple_steps), "--noisy", str(BATCH * self.noisy_steps)),
        )
        return [
            Stage("corpus", "corpora and untrained model", make),
            *self._phase(
                "simple",
                "where things are: pictures of one object",
                corpus / "untrained",
                self.simple_steps,
                *("optim.lr=2e-3", "optim.lr_scheduler_type=constant", "optim.lr_warmup_steps=50"),
            ),
            *self._phase(
                "noisy",
                "which of them is meant: one to three objects",
                self.output / "simple/hf",
                self.noisy_steps,
                *("optim.lr=2e-3", "optim.lr_warmup_steps=20", "optim.lr_scheduler_type=cosine"),
                "optim.min_lr_ratio=0.02",
            ),
        ]

    def _phase(self, phase: str, title: str, model: Path, steps: int, *overrides: str) -> list[Stage]:
        command = sft_command(
            self.output / phase,
            steps,
            1,
            "sft_device=cpu",
            *(f"data.train_batch_size={BATCH}", f"data.micro_batch_size_per_gpu={BATCH}", "data.max_length=256"),
            *("optim.betas=[0.9,0.98]", "optim.weight_decay=0.01"),
            *(f"trainer.seed={self.seed}", "trainer.save_freq=-1"),
            f"model.path={hydra_value(model)}",
            f"data.train_files={hydra_value(self.output / 'corpus' / f'{phase}.parquet')}",
            *overrides,
        )
        return [
            Stage(phase, title, command, is_training=True),
            export_stage(phase, "export", self.output / phase, str(model)),
        ]


def read_pretrain_tiny(environment: Mapping[str, str], overrides: Sequence[str], caller: Path) -> PretrainTiny:
    """Return the pretraining that variables ask for.

    Raises:
        UserError: A value is wrong, or there is an override.
    """
    if overrides:
        raise UserError(f"{overrides[0]}: the pretraining of the tiny model takes no veRL override; leave it out")
    given = Given(environment)
    check_utf8(given.text("OUTPUT_DIR"))
    check_no_reference(OUTPUT_DIR=given.text("OUTPUT_DIR"))
    return PretrainTiny(
        seed=given.number("SEED", 0),
        simple_steps=given.number("SIMPLE_STEPS", 300, least=1),
        noisy_steps=given.number("NOISY_STEPS", 1500, least=1),
        installs=given.switch("INSTALL"),
        is_dry=given.switch("DRY_RUN"),
        output=output_folder(given.text("OUTPUT_DIR"), "outputs/pretrain_tiny", caller),
        folder=work_folder(caller),
    )
