# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A step that ranks divide among them, as our trainer or veRL's has it: real ranks over gloo, no Ray."""

from pathlib import Path
from types import SimpleNamespace

import forks
import torch
import verl_worker
from tiny_steps import make_rows

from verl_visual_rft.miniature.pretraining import TINY_MODEL

PROMPTS, ROLLOUTS = 8, 4
_OVERRIDES = [
    f"data.train_batch_size={PROMPTS}",
    f"actor_rollout_ref.rollout.n={ROLLOUTS}",
    f"actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu={ROLLOUTS}",
    f"actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu={ROLLOUTS}",
    f"actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu={ROLLOUTS}",
]


def rows_of_many_lengths() -> tuple[list[dict], dict[str, torch.Tensor]]:
    """Rollouts that name their pictures, and the pictures."""
    generator, groups = torch.Generator().manual_seed(2), make_rows()
    rows, pictures = [], {}
    for prompt in range(PROMPTS):
        for rollout in range(ROLLOUTS):
            row = groups[ROLLOUTS * (prompt % 3) + rollout]
            length = int(torch.randint(3, 60, (1,), generator=generator))
            response = torch.randint(32, 127, (length,), generator=generator)
            name = f"1-picture{prompt}"
            pictures[name] = row["pixel_values"]
            named = {"uid": f"prompt{prompt}", "response_ids": response, "pixel_values": None, "pictures": [name]}
            rows.append(row | named)
    return rows, pictures


def step_on_ranks(folder: Path, policy: Path, ranks: int, trainer: str, *overrides: str) -> dict:
    """Take a step.

    Args:
        folder: For files.
        policy: The model.
        ranks: Number of ranks.
        trainer: Whose order of rows: "ours" or "veRL's".
        overrides: Of the configuration.

    Returns:
        ``metrics``; ``balance``, what the trainer logs of it; ``weights`` afterwards; by rank ``seen``, the numbers of
        pictures that the vision tower gets in each call of the update.
    """
    rows, pictures = rows_of_many_lengths()
    job = {"policy": str(policy), "reference": str(TINY_MODEL), "rows": rows, "pictures": pictures, "total_steps": 4}
    job |= {"trainer": trainer, "overrides": [*_OVERRIDES, f"trainer.n_gpus_per_node={ranks}", *overrides]}
    torch.save(job, folder / "job.pt")
    for ended in forks.run_ranks(ranks, take_step, folder / "job.pt", folder):
        assert ended.status == 0, ended.output[-5000:]
    results = [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(ranks)]
    return results[0] | {"seen": [result["seen"] for result in results]}


def take_step(job_file: Path, folder: Path) -> None:
    """In a process of each rank: what it does of the step."""
    job = torch.load(job_file, weights_only=False)
    config, workers = verl_worker.start(job)
    rank, ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    order, told, balance = rows_of_ranks(config, job["rows"], ranks, job["trainer"])
    part = len(order) // ranks
    seen = verl_worker.pictures_seen(workers["actor"].actor)
    verl_worker.serve_pictures(job["pictures"])
    mine = order[rank * part : (rank + 1) * part]
    step = verl_worker.step(config, workers["actor"], workers["ref"], job["rows"], True, mine, told)
    module = workers["actor"].actor.engine.module
    weights = {name: value.full_tensor() for name, value in module.state_dict().items()}
    torch.save(step | {"weights": weights, "seen": seen, "balance": balance}, folder / f"{rank}.pt")


def rows_of_ranks(config, rows: list[dict], ranks: int, trainer: str) -> tuple[list[int], dict, dict]:
    """Return the numbers of the rows, every rank's part after the other; what the trainer says of them, and logs."""
    from transfer_queue import KVBatchMeta
    from verl.trainer.ppo.v1 import trainer_sync

    from verl_visual_rft.training.trainer import _trainer_class

    kind = _trainer_class(trainer_sync) if trainer == "ours" else trainer_sync.PPOTrainerSync
    balancing, metrics = object.__new__(kind), {}  # what needs no workers of it
    balancing.config, balancing.use_critic, balancing.global_steps = config, False, 1
    balancing.tokenizer = SimpleNamespace(eos_token_id=0)
    balancing.actor_rollout_wg = SimpleNamespace(_dispatch_info={"actor": list(range(ranks))})
    lengths = [len(row["prompt_ids"]) + len(row["response_ids"]) for row in rows]
    tags = [{"seq_len": tokens, "pictures": row["pictures"]} for tokens, row in zip(lengths, rows, strict=True)]
    keys = [f"{row['uid']}_{number}_0" for number, row in enumerate(rows)]
    batch = balancing._balance_batch(KVBatchMeta(partition_id="train", keys=keys, tags=tags), metrics)
    return [int(key.split("_")[1]) for key in batch.keys], getattr(balancing, "layout", {}), metrics
