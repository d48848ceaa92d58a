# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The same training by TRL's GRPOTrainer; generation by transformers, for there is no vLLM for TRL on a CPU."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from common_loop import Task, detection_score, read_task
from datasets import Dataset
from instrument import record
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer


class TimedTrainer(GRPOTrainer):
    """`GRPOTrainer` that says how long generation took."""

    generation = 0.0

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
        begin = time.perf_counter()
        generated = super()._generate_single_turn(*args, **kwargs)
        self.generation += time.perf_counter() - begin
        return generated


class StepRecorder(TrainerCallback):
    """Records each step's metrics once TRL has logged them."""

    def __init__(self, trainer: TimedTrainer) -> None:
        self.trainer = trainer

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **kwargs: Any) -> None:
        """Record a step; the summary at the end of the training is none."""
        if "reward" not in logs:
            return
        names = {"reward": "critic/score/mean", "kl": "actor/kl_loss", "grad_norm": "actor/grad_norm"}
        metrics = {name: float(logs[key]) for key, name in names.items() if key in logs}
        metrics["response_length/mean"] = float(logs["completions/mean_length"])
        record("step", step=state.global_step, data=metrics | {"timing_s/gen": self.trainer.generation})
        self.trainer.generation = 0.0


def reward(completions: list[Any], ground_truth: list[str], **columns: Any) -> list[float]:
    """Score a batch, as TRL asks for it."""
    answers = [completion[0]["content"] for completion in completions]
    return [detection_score(answer, truth) for answer, truth in zip(answers, ground_truth, strict=True)]


def settings(task: Task, folder: Path) -> GRPOConfig:
    """What the other contestants are set to, in TRL's words."""
    workload = task.workload
    sequences = workload.prompts * workload.rollouts
    return GRPOConfig(
        output_dir=str(folder),
        **{"use_cpu": True, "bf16": False, "fp16": False, "gradient_checkpointing": False},
        **{"max_steps": task.steps, "logging_steps": 1, "save_strategy": "no", "report_to": [], "disable_tqdm": True},
        **{"shuffle_dataset": False, "seed": 0},
        per_device_train_batch_size=workload.micro_batch,
        gradient_accumulation_steps=sequences // workload.micro_batch,
        num_generations=workload.rollouts,
        max_completion_length=workload.new_tokens,
        **{"temperature": 1.0, "top_p": 1.0, "top_k": 0},
        **{"beta": workload.beta, "loss_type": "grpo", "num_iterations": 1},
        **{"learning_rate": workload.learning_rate, "lr_scheduler_type": "constant", "weight_decay": 0.0},
    )


def main() -> None:
    """Do the steps of the turn."""
    task = read_task()
    trainer = TimedTrainer(
        model=task.model,
        reward_funcs=reward,
        args=settings(task, Path(sys.argv[1]).parent / "trl"),
        train_dataset=Dataset.from_list(task.rows),
    )
    trainer.add_callback(StepRecorder(trainer))
    trainer.train()


if __name__ == "__main__":
    main()
