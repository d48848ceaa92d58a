# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""GRPO steps by veRL's own workers, loss and advantages with our configuration: FSDP2 on the CPU, no Ray.

Runs in a process of its own: see `forks`. What is left out is what only moves data: Ray, the transfer
queue and vLLM; the calls are those of `PPOTrainer._step_once`.
"""

from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_module
from omegaconf import open_dict
from tensordict import NonTensorData, NonTensorStack, TensorDict
from torch.nested import as_nested_tensor


def main(job_file: Path, result_file: Path) -> None:
    """Take the steps of a job, on each of its ranks; the first writes the result."""
    job = torch.load(job_file, weights_only=False)
    config, workers = start(job)
    rows, own = job["rows"], job["own_log_probs"]
    seen = {role: pictures_seen(worker.actor if role == "actor" else worker.ref) for role, worker in workers.items()}
    reads = serve_pictures(job.get("pictures", {}))
    steps = [step(config, workers["actor"], workers["ref"], rows, own) for _ in range(job["n_steps"])]
    module = workers["actor"].actor.engine.module
    weights = {name: value.full_tensor() for name, value in module.state_dict().items()}
    optimizer = workers["actor"].actor.engine.optimizer
    result = {"steps": steps, "weights": weights, "optimizer": optimizer.defaults, "seen": seen, "reads": reads}
    if torch.distributed.get_rank() == 0:
        torch.save(result, result_file)


def pictures_seen(worker) -> list[int]:
    """Numbers of pictures that the vision tower of a worker is called with, as calls are made."""
    seen = []
    (tower,) = [part for name, part in worker.engine.module.named_modules() if name.rpartition(".")[2] == "visual"]
    tower.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(len(kwargs["grid_thw"])), with_kwargs=True, prepend=True
    )
    return seen


def serve_pictures(pictures: dict[str, torch.Tensor]) -> list[str]:
    """Stand in for the transfer queue's partition of pictures; return the names that are read, as they are."""
    import transfer_queue

    reads = []

    def kv_batch_get(keys, partition_id, select_fields):
        reads.extend(keys)
        return {"pixel_values": as_nested_tensor([pictures[key] for key in keys], layout=torch.jagged)}

    transfer_queue.kv_batch_get = kv_batch_get
    return reads


def start(job):
    """The configuration of a job and veRL's two workers: the actor and the reference."""
    from verl.workers.engine_workers import ActorRolloutRefWorker

    with initialize_config_module("verl_visual_rft.training.config", version_base=None):
        config = compose("visual_rft", [f"device={job.get('device', 'cpu')}", *job["overrides"]])
    config.actor_rollout_ref.model.path = job["policy"]
    with open_dict(config):  # as PPOTrainer does
        config.actor_rollout_ref.actor.optim.total_training_steps = job["total_steps"]

    workers = {}
    for role, model in (("actor", job["policy"]), ("ref", job["reference"])):
        of_role = config.copy()
        of_role.actor_rollout_ref.model.path = model
        workers[role] = ActorRolloutRefWorker(config=of_role.actor_rollout_ref, role=role)
        workers[role].init_model()
    if config.actor_rollout_ref.model.lora_rank:
        workers["ref"] = AdapterOff(workers["actor"])
    return config, workers


class AdapterOff:
    """The reference of a LoRA run, as `PPOTrainer._compute_ref_log_prob` asks the actor for it."""

    def __init__(self, actor):
        self.actor = actor

    def compute_ref_log_prob(self, data):
        from verl.utils import tensordict_utils as tu

        tu.assign_non_tensor(data, no_lora_adapter=True)
        return self.actor.compute_log_prob(data)


def step(config, actor, reference, rows, own_log_probs=False, mine=None, told=None):
    """Take a step on rows.

    Where ranks divide them: ``mine`` are the numbers of this rank's, ``told`` is what the trainer says of the batch.
    """
    from verl.protocol import DataProto
    from verl.trainer.ppo.v1.utils import compute_advantage_for_multi_trajectories
    from verl.utils import tensordict_utils as tu
    from verl.workers.utils.padding import response_from_nested, response_to_nested

    from verl_visual_rft.training.engine.one_update import OWN_LOG_PROBS

    lr = actor.actor.engine.optimizer.param_groups[0]["lr"]
    data = batch(rows, config.actor_rollout_ref.model.path)
    padded = DataProto(batch=data.select("response_mask", "rm_scores").to_padded_tensor())
    padded.batch["token_level_rewards"] = padded.batch["rm_scores"]
    padded.non_tensor_batch["uid"] = np.array([row["uid"] for row in rows], dtype=object)
    algorithm = config.algorithm
    padded = compute_advantage_for_multi_trajectories(
        padded,
        batch_keys=[f"{row['uid']}_{i}_0" for i, row in enumerate(rows)],
        adv_estimator=algorithm.adv_estimator,
        norm_adv_by_std_in_grpo=algorithm.norm_adv_by_std_in_grpo,
        config=algorithm,
    )
    data["advantages"] = response_to_nested(padded.batch["advantages"], data["response_mask"])

    if mine is not None:
        data = tu.index_select_tensor_dict(data, list(mine))
    mask = data["response_mask"]
    infer = {"compute_loss": False, "temperature": config.actor_rollout_ref.rollout.temperature}
    told = said_of_pictures(rows, config.actor_rollout_ref.rollout.n) if told is None else told
    forwards = {"old_log_probs": actor.compute_log_prob, "ref_log_prob": reference.compute_ref_log_prob}
    if own_log_probs:
        del forwards["old_log_probs"]
    for field, forward in forwards.items():
        inferred = data.copy()
        tu.assign_non_tensor(inferred, **infer, **told)
        output = forward(inferred) if mine is not None else on_all_ranks(forward(inferred))
        data[field] = response_from_nested(output["log_probs"], mask)

    n = config.actor_rollout_ref.actor.ppo_mini_batch_size * config.actor_rollout_ref.rollout.n
    update = {"calculate_entropy": False, "global_batch_size": n, "mini_batch_size": n}
    update |= {"epochs": config.actor_rollout_ref.actor.ppo_epochs, "seed": 42, "dataloader_kwargs": {"shuffle": False}}
    tu.assign_non_tensor(data, **update, **told, temperature=infer["temperature"], **{OWN_LOG_PROBS: own_log_probs})
    metrics = tu.get(on_all_ranks(actor.update_actor(data)), "metrics")
    first_token = [advantages[0].item() for advantages in data["advantages"].unbind()]
    return {"metrics": metrics, "advantages": first_token, "lr": lr}


def said_of_pictures(rows, rollouts) -> dict:
    """What `batches.lay_out` says of rows that name their pictures."""
    from verl_visual_rft.training.engine.batches import GROUP, PICTURES_OF_UPDATE

    names = {name for row in rows for name in row.get("pictures", ())}
    return {GROUP: rollouts, PICTURES_OF_UPDATE: len(names)} if names else {}


def on_all_ranks(output):
    """What the driver hands to every rank; of ranks that share sequences only the first returns it."""
    outputs = [output]
    torch.distributed.broadcast_object_list(outputs)
    return outputs[0]


def batch(rows, model: str) -> TensorDict:
    """What the agent loop puts into the transfer queue (verl 0.9.1 ``agent_loop_tq.py:180``)."""
    from verl.utils import hf_processor

    processor = hf_processor(model)
    columns = {name: [] for name in ("input_ids", "position_ids", "response_mask", "loss_mask", "rm_scores")}
    for row in rows:
        tokens = torch.cat([row["prompt_ids"], row["response_ids"]])
        rope, _ = processor.get_rope_index(
            input_ids=tokens.unsqueeze(0),
            mm_token_type_ids=(tokens == processor.image_token_id).int().unsqueeze(0),
            image_grid_thw=row["image_grid_thw"],
            attention_mask=torch.ones(1, len(tokens), dtype=torch.int64),
        )
        mask = torch.ones_like(row["response_ids"])
        scores = torch.zeros(len(mask))
        scores[-1] = row["score"]
        columns["input_ids"].append(tokens)
        columns["position_ids"].append(torch.cat([torch.arange(len(tokens)).unsqueeze(0), rope[:, 0]]))
        columns["response_mask"].append(mask)
        columns["loss_mask"].append(mask)
        columns["rm_scores"].append(scores)
    if "rollout_log_probs" in rows[0]:
        columns["rollout_log_probs"] = [row["rollout_log_probs"] for row in rows]
    columns["prompts"] = [row["prompt_ids"] for row in rows]
    columns["responses"] = [row["response_ids"] for row in rows]
    positions = columns.pop("position_ids")
    nested = {name: as_nested_tensor(column, layout=torch.jagged) for name, column in columns.items()}
    data = TensorDict(nested, len(rows))
    if len({p.shape for p in positions}) == 1:  # as the transfer queue gives them back: see fixes
        data["position_ids"] = as_nested_tensor(positions, layout=torch.jagged)
    else:
        ends = torch.tensor([0, *np.cumsum([p.shape[1] for p in positions])])
        data["position_ids"] = torch.nested.nested_tensor_from_jagged(torch.cat(positions, dim=1), ends, jagged_dim=2)
    pictures = [
        {name: row[name] for name in ("pixel_values", "image_grid_thw", "pictures") if row.get(name) is not None}
        for row in rows
    ]
    data["multi_modal_inputs"] = NonTensorStack(*(NonTensorData(picture) for picture in pictures))
    return data
