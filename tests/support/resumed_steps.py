# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""GRPO steps with a checkpoint after each, by veRL's workers, its trainer's checkpoints and ours, without Ray.

Runs in a process of its own: see `forks`. The rows are fixed; which of them a step sees is the data loader's choice,
and the actor has the job's ``dropout``, with which the random states matter.
"""

import io
import json
import os
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import torch
import verl_worker
from omegaconf import open_dict


def main(job_file: Path, result_file: Path, last: int, die_in: int | None = None) -> None:
    """Train from the last complete checkpoint to step ``last``.

    With ``die_in`` the process ends in the middle of that step's checkpoint, where a tensor file is half written.
    """
    job = torch.load(job_file, weights_only=False)
    config, workers = verl_worker.start(job)
    torch.manual_seed(Path(job["checkpoints"]).exists())  # a resumed process begins with other random states

    from torchdata.stateful_dataloader import StatefulDataLoader
    from verl.trainer.ppo.utils import create_rl_sampler
    from verl.trainer.ppo.v1.trainer_base import PPOTrainer

    from verl_visual_rft.training.checkpoints import grpo

    prompts = list(dict.fromkeys(row["uid"] for row in job["rows"]))
    for module in workers["actor"].actor.engine.module.modules():
        if hasattr(module, "attention_dropout"):
            module.attention_dropout = job["dropout"]
    with open_dict(config):
        config.trainer.default_local_dir = job["checkpoints"]
    trainer = SimpleNamespace(
        config=config,
        trainer_mode="sync",
        use_critic=False,
        global_steps=0,
        actor_rollout_wg=workers["actor"],
        checkpoint_callback=SimpleNamespace(on_save=lambda **_: None),
        train_dataloader=StatefulDataLoader(
            prompts, batch_size=2, drop_last=True, sampler=create_rl_sampler(config.data, prompts), collate_fn=list
        ),
    )
    grpo.load(trainer, partial(PPOTrainer._load_checkpoint, trainer))
    steps, batches = {}, Batches(trainer.train_dataloader)
    while trainer.global_steps < last:
        trainer.global_steps += 1
        chosen = batches.next()
        rows = [row for row in job["rows"] if row["uid"] in chosen]
        step = verl_worker.step(config, workers["actor"], workers["ref"], rows)
        figures = {name: value for name, value in step["metrics"].items() if not name.startswith(("perf/", "mfu"))}
        steps[trainer.global_steps] = {"prompts": sorted(chosen), "lr": step["lr"], **figures}
        if trainer.global_steps == die_in:
            die_half_way()
        grpo.save(trainer, partial(PPOTrainer._save_checkpoint, trainer))
        result_file.write_text(json.dumps(steps))


class Batches:
    """As `PPOTrainer._fetch_one_gen_batch` takes them, which runs in another process than the actor."""

    def __init__(self, loader):
        self.loader, self.left = loader, None

    def next(self):
        with torch.random.fork_rng(devices=[]):
            try:
                self.left = self.left or iter(self.loader)
                return next(self.left)
            except StopIteration:
                self.left = iter(self.loader)
                return next(self.left)


def die_half_way() -> None:
    """End the process when half of the next tensor file is written."""

    def save_half(value, path, *args, **kwargs):
        whole = io.BytesIO()
        save(value, whole)
        Path(path).write_bytes(whole.getvalue()[: whole.tell() // 2])
        os._exit(9)

    save, torch.save = torch.save, save_half
