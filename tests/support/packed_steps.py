# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Steps with the configuration of a GPU, by `packed_attention` on a CPU; and the same steps with that of a CPU."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import forks
import packed_attention
import torch
import verl_worker
from PIL import Image, ImageDraw
from tiny_steps import OVERRIDES, SCORES, STEPS, TOTAL_STEPS
from transformers import AutoModelForImageTextToText, AutoProcessor

from verl_visual_rft.miniature.tiny_model import build_tiny_model

FIXED = "actor_rollout_ref.actor.use_dynamic_bsz=false"
#: A CPU is not asked to compile.
_ON_CPU = [
    "trainer.device=cpu",
    *(
        f"actor_rollout_ref.{role}.{setting}=false"
        for role in ("actor", "ref")
        for setting in ("use_torch_compile", "fsdp_config.use_torch_compile")
    ),
]
_FLOAT32 = "{param_dtype:fp32,reduce_dtype:fp32,buffer_dtype:fp32}"
FLOAT32 = [
    *(f"+actor_rollout_ref.{role}.fsdp_config.mixed_precision={_FLOAT32}" for role in ("actor", "ref")),
    *(f"actor_rollout_ref.{role}.fsdp_config.dtype=float32" for role in ("actor", "ref")),
]
SFT_FLOAT32 = [f"+engine.mixed_precision={_FLOAT32}", "engine.dtype=float32"]
#: Weights move by 1e-3 at most, by less where a gradient is small: differences of weights are differences of gradients.
_OPTIMIZER = [
    "actor_rollout_ref.actor.optim.lr=1e-3",
    "actor_rollout_ref.actor.optim.override_optimizer_config.eps=1e-3",
]


def make_models(folder: Path, family: str) -> None:
    """Write a random ``reference``, and a ``policy`` that has moved away from it."""
    build_tiny_model(folder / "reference", family=family)
    build_tiny_model(folder / "policy", family=family)
    model = AutoModelForImageTextToText.from_pretrained(folder / "policy", dtype=torch.float32)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(folder / "policy")


def make_rows(model: Path, length: int | None = None) -> list[dict]:
    """Make rollouts of random tokens: two prompts about pictures of two sizes, the last one about none.

    Without ``length`` they differ in it; with it all sequences have that many tokens.
    """
    processor = AutoProcessor.from_pretrained(model)
    generator = torch.Generator().manual_seed(1)
    rows = []
    for prompt, scores in enumerate(SCORES):
        picture = Image.new("RGB", (192, 96) if prompt else (96, 96), "white")
        ImageDraw.Draw(picture).rectangle((10, 10, 60, 50), fill=("red", "blue", "black")[prompt])
        pictures = [picture] if prompt < 2 else []
        question = {"type": "text", "text": "Where is it?"}
        message = {"role": "user", "content": [*({"type": "image"} for _ in pictures), question]}
        text = processor.apply_chat_template([message], add_generation_prompt=True)
        inputs = processor(text=[text], images=pictures or None, return_tensors="pt")
        prompt_ids = inputs["input_ids"][0]
        for score in scores:
            tokens = length - len(prompt_ids) if length else int(torch.randint(3, 12, (1,), generator=generator))
            sampled_with = -2 - torch.rand(tokens, generator=generator)
            rows.append(
                {
                    "uid": f"prompt{prompt}",
                    "score": score,
                    "prompt_ids": prompt_ids,
                    "response_ids": torch.randint(32, 127, (tokens,), generator=generator),
                    "rollout_log_probs": sampled_with,
                    "pixel_values": inputs.get("pixel_values"),
                    "image_grid_thw": inputs.get("image_grid_thw"),
                }
            )
    return rows


def padded(folder: Path, rows: list[dict]) -> dict:
    """Take steps as plain veRL does on a CPU: a picture for every row, a pass for the old log-probabilities."""
    return _run(folder, device="cpu", ranks=1, environment={}, rows=rows, own_log_probs=False, overrides=[])


def packed(folder: Path, rows: list[dict], overrides: Sequence[str] = (), ranks: int = 1, **environment: str) -> dict:
    """Take steps as a GPU does: pictures once, log-probabilities once, dynamic batches; ranks share each sequence."""
    pictures, named = {}, []
    for row in rows:
        if row["pixel_values"] is not None:
            pictures[f"1-{row['uid']}"] = row["pixel_values"]
            row = row | {"pixel_values": None, "pictures": [f"1-{row['uid']}"]}
        named.append(row)
    longest = max(len(row["prompt_ids"]) + len(row["response_ids"]) for row in rows)
    overrides = [
        *_ON_CPU,
        f"actor_rollout_ref.actor.ppo_max_token_len_per_gpu={5 * longest // ranks}",
        f"actor_rollout_ref.ref.log_prob_max_token_len_per_gpu={8 * longest // ranks}",
        f"actor_rollout_ref.actor.ulysses_sequence_parallel_size={ranks}",
        *overrides,
    ]
    job = {"device": "cuda", "ranks": ranks, "environment": environment, "rows": named, "pictures": pictures}
    return _run(folder, **job, own_log_probs=True, overrides=overrides)


def _run(folder: Path, overrides: list[str], **job) -> dict:
    job |= {"policy": str(folder / "policy"), "reference": str(folder / "reference")}
    job |= {"total_steps": TOTAL_STEPS, "n_steps": STEPS, "overrides": [*OVERRIDES, *_OPTIMIZER, *overrides]}
    torch.save(job, folder / "job.pt")
    for ended in forks.run_ranks(job["ranks"], take_steps, folder / "job.pt", folder / "result.pt"):
        assert ended.status == 0, ended.output[-5000:]
    return torch.load(folder / "result.pt", weights_only=False)


def take_steps(job_file: Path, result_file: Path) -> None:
    """In a process of its own: take the steps of a job."""
    job = torch.load(job_file, weights_only=False)
    os.environ.update(job["environment"])
    if job["device"] == "cuda":
        packed_attention.install()
    verl_worker.main(job_file, result_file)


def supervised(folder: Path, device: str, *overrides: str) -> list[dict]:
    """Take steps by veRL's SFT trainer with the configuration of a device; return what it logs of each."""
    folder.mkdir()
    forks.run(train_supervised, folder, device, overrides)
    return [json.loads(line)["data"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def train_supervised(folder: Path, device: str, overrides: tuple[str, ...]) -> None:
    """In a process of its own: train as ``verl.trainer.sft_trainer`` does."""
    from hydra import compose, initialize_config_module

    os.environ["VERL_FILE_LOGGER_PATH"] = str(folder / "metrics.jsonl")
    if device == "cuda":
        packed_attention.install()
    from verl.trainer.sft_trainer import run_sft

    with initialize_config_module("verl_visual_rft.training.config", version_base=None):
        here = ["trainer.device=cpu", "trainer.logger=[file]", f"trainer.default_local_dir={folder}/checkpoints"]
        config = compose("visual_sft", [f"sft_device={device}", *here, *overrides])
    run_sft(config)
