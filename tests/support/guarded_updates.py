# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Updates by veRL's own worker on what must end a run, and on rows that fill up: one rank, FSDP2 on the CPU, no Ray.

Runs in a process of its own: see `forks`.
"""

from pathlib import Path

import torch
import verl_worker
from hydra import compose, initialize_config_module
from omegaconf import open_dict
from tiny_steps import OVERRIDES, TOTAL_STEPS

NAN = float("nan")


def main(policy: str, rows_file: Path, result_file: Path) -> None:
    from verl.workers.engine_workers import ActorRolloutRefWorker

    with initialize_config_module("verl_visual_rft.training.config", version_base=None):
        config = compose("visual_rft", ["device=cpu", *OVERRIDES])
    with open_dict(config):
        config.actor_rollout_ref.actor.optim.total_training_steps = TOTAL_STEPS
        config.actor_rollout_ref.model.path = policy
    worker = ActorRolloutRefWorker(config=config.actor_rollout_ref, role="actor")
    worker.init_model()
    rows = torch.load(rows_file, weights_only=False)

    def update(**poisoned):
        """Update on the rows; ``poisoned`` gives row 5 another value."""
        return attempt(worker, config, [{**row, **poisoned} if i == 5 else row for i, row in enumerate(rows)])

    results = {"nan_advantage": update(score=NAN), "infinite_advantage": update(score=float("inf"))}

    # A finite loss whose gradient is not: the square root of 0, in micro-batches that contain row 5.
    marked = torch.cat([rows[5]["prompt_ids"], rows[5]["response_ids"]]).tolist()
    module = worker.actor.engine.module
    whole_loss = worker.actor.loss_fn

    def loss_with_edge(model_output, data, dp_group=None):
        loss, metrics = whole_loss(model_output=model_output, data=data, dp_group=dp_group)
        if marked in [row.tolist() for row in data["input_ids"].unbind()]:
            loss = loss + (model_output["log_probs"].values().sum() * 0.0).sqrt()
        return loss, metrics

    worker.actor.set_loss_fn(loss_with_edge)
    results["gradient"] = update()
    worker.actor.set_loss_fn(whole_loss)

    results["weights_unchanged"] = unchanged(module, policy)
    padding = {"pixel_values": None, "image_grid_thw": None, "uid": "pad", "score": 0.0}
    padding |= {"prompt_ids": torch.full((15,), 5), "response_ids": torch.tensor([5])}
    results["padded"] = attempt(worker, config, [*rows[:8], *[padding] * 4])
    torch.save(results, result_file)


def attempt(worker, config, rows):
    from verl_visual_rft.training.guards.non_finite import NonFiniteError

    try:
        return verl_worker.step(config, worker, NoReference(), rows)["metrics"]
    except NonFiniteError as error:
        return {"what": str(error), "rows": error.rows}


class NoReference:
    """Its log-probs are 0 everywhere."""

    def compute_ref_log_prob(self, data):
        return {
            "log_probs": torch.nested.nested_tensor_from_jagged(
                torch.zeros_like(data["input_ids"].values(), dtype=torch.float32), data["input_ids"].offsets()
            )
        }


def unchanged(module, policy: str) -> bool:
    from tiny_steps import load

    before = load(policy).state_dict()
    return all(torch.equal(value.full_tensor(), before[name]) for name, value in module.state_dict().items())
