# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The quick start: Visual-RFT from raw data to report on a laptop.

Every part is the real one: veRL's SFT and GRPO trainers, Ray, FSDP2, the vLLM server; only the model and the pictures
are small.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import verl_visual_rft
from verl_visual_rft.runs.commands import (
    Command,
    grpo_command,
    prepare_command,
    report_command,
    sft_command,
    start_command,
)
from verl_visual_rft.runs.evaluation import Questions, evaluation_stages, export_stage
from verl_visual_rft.runs.given import Given, check_no_reference, check_reward, check_utf8
from verl_visual_rft.runs.listed import ListedRun
from verl_visual_rft.runs.paths import model_from_caller, output_folder, work_folder
from verl_visual_rft.runs.stages import Stage
from verl_visual_rft.runs.words import hydra_value
from verl_visual_rft.terminal import say

#: Every variable of the quick start.
NAMES = ("OUTPUT_DIR", "SEED", "REWARD", "STEPS", "NGPUS", "MODEL", "DRY_RUN")

PROMPTS = 16  # a step
ROLLOUTS = 8  # of each prompt
TRAIN_ROWS = 256  # questions about base categories, a tenth of them about what is not there
VAL_PICTURES = 200
PROMPT_TOKENS = 64  # with the picture
ANSWER_TOKENS = 96
TOKENS = PROMPT_TOKENS + ANSWER_TOKENS
NOVEL = "white triangle,black circle,blue square,magenta triangle"


@dataclass(frozen=True)
class _QuickStart:
    """Its variables, checked, and the commands that follow from them."""

    seed: int
    reward: str
    steps: int
    ranks: int
    model: str
    overrides: tuple[str, ...]
    output: Path

    def stages(self) -> list[Stage]:
        """Return the stages: the base model, + SFT and + Visual-RFT, all of the same data."""
        prepare = (
            *prepare_command("coco"),
            *("--root", str(self.output / "raw"), "--out", str(self.output / "data"), "--novel-categories", NOVEL),
            *("--rows", str(TRAIN_ROWS), "--negatives", "0.1", "--val-negatives", "0.2", "--seed", str(self.seed)),
            *("--tokenizer", self.model, "--max-prompt-tokens", str(PROMPT_TOKENS)),
        )
        report = report_command(self.output, self.reward, self.seed)
        return [
            Stage("raw", "the dataset, in COCO layout", self._draw()),
            Stage("data", "data preparation", prepare, is_data=True),
            *self._evaluate("base", "base model", self.model),
            Stage("sft", "+ SFT: training", self.sft(), after="data", is_training=True),
            export_stage("sft", "+ SFT: export", self.output / "sft", self.model),
            *self._evaluate("sft", "+ SFT", str(self.output / "sft/hf")),
            Stage("rft", "+ Visual-RFT: training (GRPO)", self.grpo(), after="data", is_training=True),
            export_stage("rft", "+ Visual-RFT: export", self.output / "rft", self.model),
            *self._evaluate("rft", "+ Visual-RFT", str(self.output / "rft/hf")),
            Stage("report", "report", report, always=True),
        ]

    def _draw(self) -> Command:
        options = ("--out", str(self.output / "raw"), "--val", str(VAL_PICTURES), "--seed", str(self.seed))
        return prepare_command("shapes") + options

    def _evaluate(self, method: str, title: str, model: str) -> list[Stage]:
        sampling = ("--max-tokens", str(ANSWER_TOKENS), "--max-model-len", str(TOKENS), "--dtype", "float32")
        questions = Questions(self.output / "data", "val", self.reward, sampling)
        return evaluation_stages(self.output, method, title, model, questions)

    def sft(self) -> Command:
        return sft_command(
            self.output / "sft",
            self.steps,
            1,
            *("sft_device=cpu", f"model.path={hydra_value(self.model)}"),
            f"data.train_files={hydra_value(self.output / 'data/sft_train.parquet')}",
            *(f"data.train_batch_size={PROMPTS}", f"data.micro_batch_size_per_gpu={PROMPTS}"),
            f"data.max_length={TOKENS}",
            *("optim.lr=3e-4", "optim.lr_scheduler_type=cosine", "optim.min_lr_ratio=0.1"),
            *(f"trainer.seed={self.seed}", "trainer.save_freq=-1"),
        )

    def check(self) -> None:
        from verl_visual_rft.planning.check import check_training
        from verl_visual_rft.rewards import load_reward

        load_reward(self.reward)
        check_training(self.sft())
        check_training(self.grpo())

    def say_end(self) -> None:
        say(f"\n{self.output}/report.html   pictures with boxes, before and after")
        say(f"{self.output}/curves.png    reward and accuracy over the steps")
        say(f"{self.output}/summary.json  the figures, for machines")

    def grpo(self) -> Command:
        policy = "actor_rollout_ref"
        return grpo_command(
            self.output / "rft",
            self.steps,
            self.reward,
            "device=cpu",
            f"data.train_files={hydra_value(self.output / 'data/train.parquet')}",
            f"data.val_files={hydra_value(self.output / 'data/val.parquet')}",
            *(f"data.max_prompt_length={PROMPT_TOKENS}", f"data.max_response_length={ANSWER_TOKENS}"),
            *(f"data.train_batch_size={PROMPTS}", f"data.seed={self.seed}"),
            f"{policy}.model.path={hydra_value(self.model)}",
            f"{policy}.actor.optim.lr=3e-4",
            f"{policy}.actor.optim.lr_scheduler_type=cosine",
            f"{policy}.actor.optim.min_lr_ratio=0.1",
            f"{policy}.actor.ppo_micro_batch_size_per_gpu={64 // self.ranks}",
            f"{policy}.ref.log_prob_micro_batch_size_per_gpu={128 // self.ranks}",
            *(f"{policy}.rollout.n={ROLLOUTS}", f"{policy}.rollout.seed={self.seed}"),
            f"{policy}.rollout.max_model_len={TOKENS}",
            f"{policy}.rollout.log_prob_micro_batch_size_per_gpu={128 // self.ranks}",
            *(f"trainer.n_gpus_per_node={self.ranks}", "trainer.save_freq=10", "trainer.test_freq=10"),
            "data.val_max_samples=128",
            *self.overrides,
        )


def usage() -> str:
    """Return what ``--help`` says of it."""
    start = start_command("quickstart")
    return f"""\
Visual-RFT from raw data to report on a laptop: no GPU, no download but Python packages. Every part is the real one:
veRL's SFT and GRPO trainers, Ray, FSDP2, the vLLM server; only the model and the pictures are small.

  {start}     about 13 minutes on 2 cores; results in outputs/quickstart
  REWARD=paper {start}     the paper's reward, which this model learns to game
  REWARD='iou=1,confidence=0.5,format=0.5' {start}     a reward of one's own choice
  SEED=1 STEPS=40 {start} algorithm.norm_adv_by_std_in_grpo=False     any veRL override

The same command again reuses what is finished and resumes what was interrupted.

Variables (default):
  OUTPUT_DIR (outputs/quickstart, with the reward and seed if not the default)   where everything goes
  SEED (0)  REWARD (robust)  STEPS (60, of GRPO; + SFT sees as many samples)  NGPUS (1, CPU ranks)
  MODEL (the shipped tiny Qwen2-VL; {start_command("pretrain_tiny")} makes it again)
  DRY_RUN (0)  1: print the commands as JSON and do nothing
"""


def read_quick_start(environment: Mapping[str, str], overrides: Sequence[str], caller: Path) -> ListedRun:
    """Return the quick start that variables and overrides ask for.

    Raises:
        UserError: A value is wrong.
    """
    given = Given(environment)
    seed, reward = given.number("SEED", 0), given.text("REWARD", "robust")
    shipped = str(Path(verl_visual_rft.__file__).resolve().parent / "miniature/tiny_qwen2vl")
    model = model_from_caller(given.text("MODEL", shipped), caller)
    check_utf8(given.text("OUTPUT_DIR"), model, reward, *overrides)
    check_no_reference(OUTPUT_DIR=given.text("OUTPUT_DIR"), MODEL=model, REWARD=reward)
    check_reward(reward, "detection", caller)
    suffix = "" if reward == "robust" else "_" + re.sub("[^A-Za-z0-9.]", "_", reward)
    suffix += f"_seed{seed}" if seed else ""
    start = _QuickStart(
        seed=seed,
        reward=reward,
        steps=given.number("STEPS", 60, least=1),
        ranks=given.number("NGPUS", 1, least=1),
        model=model,
        overrides=tuple(overrides),
        output=output_folder(given.text("OUTPUT_DIR"), f"outputs/quickstart{suffix}", caller),
    )
    is_dry, folder = given.switch("DRY_RUN"), work_folder(caller)
    return ListedRun(start.output, folder, start.stages(), start.check, start.say_end, is_dry, start.ranks)
