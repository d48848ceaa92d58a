# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What run.sh executes: python -m benchmarks.reward_hacking.run FOLDER [veRL override ...]; the user is in FOLDER."""

import dataclasses
import os
import sys
from pathlib import Path

from verl_visual_rft.errors import UserError, system_errors_are_the_users
from verl_visual_rft.runs.catalogue import execute
from verl_visual_rft.runs.commands import grpo_command, prepare_command, sft_command
from verl_visual_rft.runs.evaluation import export_stage
from verl_visual_rft.runs.given import Given, check_no_reference
from verl_visual_rft.runs.listed import ListedRun
from verl_visual_rft.runs.paths import output_folder, work_folder
from verl_visual_rft.runs.quickstart import (
    ANSWER_TOKENS,
    NOVEL,
    PROMPT_TOKENS,
    PROMPTS,
    ROLLOUTS,
    TOKENS,
    TRAIN_ROWS,
    VAL_PICTURES,
)
from verl_visual_rft.runs.stages import Stage
from verl_visual_rft.runs.words import hydra_value
from verl_visual_rft.terminal import say

HERE = "benchmarks/reward_hacking"
BASE_MODEL = "verl_visual_rft/miniature/tiny_qwen2vl"
WARM_UP_STEPS = 100


def main() -> int:
    """Run, or with DRY_RUN=1 print the commands; return the exit status."""
    try:
        with system_errors_are_the_users():
            _main(*sys.argv[1:])
    except UserError as error:
        say(f"error: {error}", error=True)
        return 1
    return 0


def _main(caller: str, *overrides: str) -> None:
    given = Given(os.environ)
    strength, reward = given.choice("STRENGTH", "weak", "middling", "strong"), given.text("REWARD", "robust")
    seed, steps = given.number("SEED", 0), given.number("STEPS", 40, least=1)
    check_no_reference(OUTPUT_DIR=given.text("OUTPUT_DIR"))
    default = f"outputs/reward_hacking/{strength}_seed{seed}"
    output = output_folder(given.text("OUTPUT_DIR"), default, Path(caller))
    plan = stages(output, strength, reward, seed, steps, list(overrides))
    execute(ListedRun(output, work_folder(Path(caller)), plan, is_dry=given.switch("DRY_RUN")))


def stages(output: Path, strength: str, reward: str, seed: int, steps: int, overrides: list[str]) -> list[Stage]:
    raw, data, warm_up, corpus = (output / name for name in ("raw", "data", "warm_up", "corpus.parquet"))
    draw = ("--out", str(raw), "--val", str(VAL_PICTURES), "--seed", str(seed))
    prepare = (
        *("--root", str(raw), "--out", str(data), "--novel-categories", NOVEL, "--rows", str(TRAIN_ROWS)),
        *("--negatives", "0.1", "--val-negatives", "0.2", "--seed", str(seed)),
    )
    make_corpus = ("python", f"{HERE}/warm_up_corpus.py", "--strength", strength)
    make_corpus += ("--out", str(corpus), "--seed", str(seed))
    sft = sft_command(
        warm_up,
        WARM_UP_STEPS,
        1,
        *("sft_device=cpu", f"model.path={BASE_MODEL}", f"data.train_files={hydra_value(corpus)}"),
        *("data.train_batch_size=32", "data.micro_batch_size_per_gpu=32", f"data.max_length={TOKENS}"),
        *("optim.lr=5e-4", "optim.lr_scheduler_type=cosine", "optim.min_lr_ratio=0.05"),
        *(f"trainer.seed={seed}", "trainer.save_freq=-1"),
    )
    policy = "actor_rollout_ref"
    grpo = grpo_command(
        output / f"grpo_{reward}",
        steps,
        f"{reward}=1,iou=0",  # the component iou is logged and not paid: one measure for every reward
        *("device=cpu", f"data.train_files={hydra_value(data / 'train.parquet')}"),
        f"data.val_files={hydra_value(data / 'val.parquet')}",
        *(f"data.max_prompt_length={PROMPT_TOKENS}", f"data.max_response_length={ANSWER_TOKENS}"),
        f"data.train_batch_size={PROMPTS}",
        *(f"data.seed={seed}", "data.val_max_samples=128", f"{policy}.model.path={hydra_value(warm_up / 'hf')}"),
        *(f"{policy}.actor.optim.lr=3e-4", f"{policy}.actor.optim.lr_scheduler_type=cosine"),
        *(f"{policy}.actor.optim.min_lr_ratio=0.1", f"{policy}.actor.ppo_micro_batch_size_per_gpu=64"),
        f"{policy}.ref.log_prob_micro_batch_size_per_gpu=128",
        *(
            f"{policy}.rollout.n={ROLLOUTS}",
            f"{policy}.rollout.seed={seed}",
            f"{policy}.rollout.max_model_len={TOKENS}",
        ),
        f"{policy}.rollout.log_prob_micro_batch_size_per_gpu=128",
        *("trainer.save_freq=-1", "trainer.test_freq=10"),
        *overrides,
    )
    table = ("python", f"{HERE}/table.py", *sorted({str(output / f"grpo_{reward}"), *map(str, output.glob("grpo_*"))}))
    return [
        Stage("raw", "the dataset, in COCO layout", prepare_command("shapes") + draw),
        Stage("data", "data preparation", prepare_command("coco") + prepare),
        Stage("corpus", f"warm-up rows ({strength})", make_corpus),
        Stage("warm_up", "warm-up", sft, is_training=True),
        dataclasses.replace(export_stage("warm_up", "export", warm_up, BASE_MODEL), name="export"),
        Stage(f"grpo_{reward}", f"GRPO, reward {reward}", grpo, is_training=True),
        Stage("table", "all rewards", table, always=True),
    ]


if __name__ == "__main__":
    sys.exit(main())
