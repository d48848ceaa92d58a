# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Bytes that a rank of veRL's own FSDP engine holds after one update, counted tensor by tensor.

Runs in a process of its own: see `forks`.
"""

import json
import os
from pathlib import Path

import torch
from hydra import compose, initialize_config_module
from omegaconf import open_dict


def main(model: str, overrides: list[str], folder: Path) -> None:
    """Write what this rank holds to ``folder/RANK.json``."""
    from verl.workers.engine_workers import ActorRolloutRefWorker

    changes = ["device=cpu", f"actor_rollout_ref.model.path={model}", *overrides]
    with initialize_config_module("verl_visual_rft.training.config", version_base=None):
        config = compose("visual_rft", changes)
    with open_dict(config):
        config.actor_rollout_ref.actor.optim.total_training_steps = 1
    worker = ActorRolloutRefWorker(config=config.actor_rollout_ref, role="actor")
    worker.init_model()
    engine = worker.actor.engine
    with engine.train_mode():
        engine.module(**picture_and_text(engine.model_config.hf_config)).logits.square().mean().backward()
        parameters = list(engine.module.parameters())
        found = {
            "weights": bytes_of(parameters),
            "gradients": bytes_of([parameter.grad for parameter in parameters if parameter.grad is not None]),
        }
        engine.optimizer.step()
        states = engine.optimizer.state.values()
        found["optimizer"] = bytes_of([value for state in states for value in state.values() if value.dim()])
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps(found))
    torch.distributed.destroy_process_group()


def picture_and_text(config) -> dict[str, torch.Tensor]:
    """A picture of 4 x 4 patches, which are 4 tokens, and 12 tokens of text, with positions as veRL gives them."""
    patch = 3 * config.vision_config.temporal_patch_size * config.vision_config.patch_size**2
    return {
        "input_ids": torch.tensor([[*[config.image_token_id] * 4, *range(32, 44)]]),
        "position_ids": torch.arange(16).expand(4, 1, 16),
        "pixel_values": torch.ones(16, patch),
        "image_grid_thw": torch.tensor([[1, 4, 4]]),
    }


def bytes_of(tensors: list[torch.Tensor]) -> int:
    """Of this rank's shards."""
    local = [tensor.to_local() if hasattr(tensor, "to_local") else tensor for tensor in tensors]
    return sum(tensor.numel() * tensor.element_size() for tensor in local)
