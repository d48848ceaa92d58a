# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts on pictures, and a policy that has left its reference: the tiny model takes steps of real training."""

import shutil
from pathlib import Path

import forks
import torch
import verl_worker
from PIL import Image, ImageDraw
from transformers import AutoProcessor, Qwen2VLForConditionalGeneration

from verl_visual_rft.miniature.pretraining import TINY_MODEL

TOTAL_STEPS, STEPS = 4, 2
PROMPTS, ROLLOUTS = 3, 4
OVERRIDES = [
    f"data.train_batch_size={PROMPTS}",
    f"actor_rollout_ref.rollout.n={ROLLOUTS}",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=4",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=6",
    "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=6",
]
#: Of the groups: spread, one that stands out, all the same.
SCORES = [[0.0, 1.0, 2.5, 0.5], [3.0, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0]]


def load(folder):
    return Qwen2VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa")


def make_policy(folder: Path) -> None:
    """Write the shipped model a little moved, so that the KL to the shipped one, the reference, is not 0."""
    shutil.copytree(TINY_MODEL, folder, dirs_exist_ok=True)
    model = load(TINY_MODEL)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(folder)


def make_rows() -> list[dict]:
    """Make rollouts of random tokens and different lengths, on pictures of two sizes."""
    processor = AutoProcessor.from_pretrained(TINY_MODEL)
    generator = torch.Generator().manual_seed(1)
    rows = []
    for prompt in range(PROMPTS):
        picture = Image.new("RGB", (112, 84) if prompt % 2 else (84, 84), "white")
        ImageDraw.Draw(picture).rectangle((10 + 10 * prompt, 10, 60, 50), fill=("red", "blue", "black")[prompt])
        message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Where is it?"}]}
        text = processor.apply_chat_template([message], add_generation_prompt=True)
        inputs = processor(text=[text], images=[picture], return_tensors="pt")
        for rollout in range(ROLLOUTS):
            length = int(torch.randint(3, 12, (1,), generator=generator))
            rows.append(
                {
                    "uid": f"prompt{prompt}",
                    "score": SCORES[prompt][rollout],
                    "prompt_ids": inputs["input_ids"][0],
                    "response_ids": torch.randint(32, 127, (length,), generator=generator),
                    "pixel_values": inputs["pixel_values"],
                    "image_grid_thw": inputs["image_grid_thw"],
                }
            )
    return rows


def steps_by_verl(
    folder: Path,
    policy: Path,
    rows: list[dict],
    *overrides: str,
    own_log_probs: bool = False,
    pictures: dict[str, torch.Tensor] | None = None,
) -> dict:
    """Train ``policy`` on ``rows`` with veRL's workers, in a process of its own: see `verl_worker`."""
    job = {"policy": str(policy), "reference": str(TINY_MODEL), "rows": rows, "own_log_probs": own_log_probs}
    job["pictures"] = pictures or {}
    job |= {"total_steps": TOTAL_STEPS, "n_steps": STEPS, "overrides": [*OVERRIDES, *overrides]}
    torch.save(job, folder / "job.pt")
    forks.run(verl_worker.main, folder / "job.pt", folder / "result.pt")
    return torch.load(folder / "result.pt", weights_only=False)
