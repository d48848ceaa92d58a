# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The quick start's base model, made again from nothing.

A tiny Qwen2-VL is pretrained with veRL's SFT trainer on a corpus of mixed conventions, in two phases; see
`verl_visual_rft.miniature.conventions` for what and why.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import verl_visual_rft
from verl_visual_rft.errors import UserError
from verl_visual_rft.runs.commands import sft_command, start_command
from verl_visual_rft.runs.evaluation import export_stage
from verl_visual_rft.runs.given import Given, check_no_reference, check_utf8
from verl_visual_rft.runs.listed import ListedRun
from verl_visual_rft.runs.paths import output_folder, work_folder
from verl_visual_rft.runs.stages import Stage
from verl_visual_rft.runs.words import hydra_value
from verl_visual_rft.terminal import say

#: Every variable of the pretraining.
NAMES = ("OUTPUT_DIR", "SEED", "INSTALL", "SIMPLE_STEPS", "NOISY_STEPS", "DRY_RUN")
BATCH = 32


def usage() -> str:
    """Return what ``--help`` says of it."""
    start = start_command("pretrain_tiny")
    return f"""\
Make the quick start's base model again from nothing: a tiny Qwen2-VL, pretrained with veRL's SFT trainer on a corpus of
mixed conventions, in two phases (about 17 minutes on 2 cores). What and why: verl_visual_rft/miniature/conventions.py.

  OUTPUT_DIR=outputs/pretrain_tiny SEED=0 {start}
  INSTALL=1 {start}      also put the model in the place of the shipped one

Variables (default):
  OUTPUT_DIR (outputs/pretrain_tiny)  SEED (0)  SIMPLE_STEPS (300)  NOISY_STEPS (1500)  INSTALL (0)
  DRY_RUN (0)  1: print the commands as JSON and do nothing
"""


def read_pretrain_tiny(environment: Mapping[str, str], overrides: Sequence[str], caller: Path) -> ListedRun:
    """Return the pretraining that variables ask for.

    Raises:
        UserError: A value is wrong, or there is an override.
    """
    if overrides:
        raise UserError(f"{overrides[0]}: the pretraining of the tiny model takes no veRL override; leave it out")
    given = Given(environment)
    check_utf8(given.text("OUTPUT_DIR"))
    check_no_reference(OUTPUT_DIR=given.text("OUTPUT_DIR"))
    output = output_folder(given.text("OUTPUT_DIR"), "outputs/pretrain_tiny", caller)
    steps = (given.number(f"{phase}_STEPS", default, least=1) for phase, default in (("SIMPLE", 300), ("NOISY", 1500)))
    stages = _stages(output, given.number("SEED", 0), *steps)
    end = partial(_end, output / "noisy/hf", given.switch("INSTALL"))
    return ListedRun(output, work_folder(caller), stages, end=end, is_dry=given.switch("DRY_RUN"))


def _stages(output: Path, seed: int, simple_steps: int, noisy_steps: int) -> list[Stage]:
    """The corpora, and a training for each: pictures of one object, then of one to three."""
    corpus = output / "corpus"
    make = (
        *("python", "-m", "verl_visual_rft.miniature.pretraining", "--out", str(corpus), "--seed", str(seed)),
        *("--simple", str(BATCH * simple_steps), "--noisy", str(BATCH * noisy_steps)),
    )
    return [
        Stage("corpus", "corpora and untrained model", make),
        *_phase(
            output,
            seed,
            "simple",
            "where things are: pictures of one object",
            corpus / "untrained",
            simple_steps,
            *("optim.lr=2e-3", "optim.lr_scheduler_type=constant", "optim.lr_warmup_steps=50"),
        ),
        *_phase(
            output,
            seed,
            "noisy",
            "which of them is meant: one to three objects",
            output / "simple/hf",
            noisy_steps,
            *("optim.lr=2e-3", "optim.lr_warmup_steps=20", "optim.lr_scheduler_type=cosine"),
            "optim.min_lr_ratio=0.02",
        ),
    ]


def _phase(output: Path, seed: int, phase: str, title: str, model: Path, steps: int, *overrides: str) -> list[Stage]:
    command = sft_command(
        output / phase,
        steps,
        1,
        "sft_device=cpu",
        *(f"data.train_batch_size={BATCH}", f"data.micro_batch_size_per_gpu={BATCH}", "data.max_length=256"),
        *("optim.betas=[0.9,0.98]", "optim.weight_decay=0.01"),
        *(f"trainer.seed={seed}", "trainer.save_freq=-1"),
        f"model.path={hydra_value(model)}",
        f"data.train_files={hydra_value(output / 'corpus' / f'{phase}.parquet')}",
        *overrides,
    )
    return [
        Stage(phase, title, command, is_training=True),
        export_stage(phase, "export", output / phase, str(model)),
    ]


def _end(model: Path, installs: bool) -> None:
    if installs:
        shipped = Path(verl_visual_rft.__file__).resolve().parent / "miniature/tiny_qwen2vl"
        shutil.rmtree(shipped)
        shutil.copytree(model, shipped)
    say(f"the pretrained tiny model: {model}")
