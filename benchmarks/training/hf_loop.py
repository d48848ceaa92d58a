# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A step of GRPO in plain Hugging Face code and one process: generate, reference, forward, backward."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from common_loop import Task, detection_score, read_task
from instrument import record
from transformers import AutoProcessor, Qwen2VLForConditionalGeneration


def main() -> None:
    """Do the steps of the turn."""
    task = read_task()
    processor = AutoProcessor.from_pretrained(task.model)
    policy, reference = (
        Qwen2VLForConditionalGeneration.from_pretrained(task.model, dtype=torch.float32, attn_implementation="sdpa")
        for _ in range(2)
    )
    optimizer = torch.optim.AdamW(policy.parameters(), lr=task.workload.learning_rate, weight_decay=0.0)
    prompts = task.workload.prompts
    for step in range(1, task.steps + 1):
        seconds: dict[str, float] = {}
        metrics = _step(task, task.rows[(step - 1) * prompts : step * prompts], processor, policy, reference, seconds)
        with _timed(seconds, "update"):
            metrics["actor/grad_norm"] = float(torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0))
            optimizer.step()
            optimizer.zero_grad()
        record("step", step=step, data=metrics | {f"timing_s/{stage}": value for stage, value in seconds.items()})


def _step(
    task: Task, rows: list[dict[str, Any]], processor: Any, policy: Any, reference: Any, seconds: dict[str, float]
) -> dict[str, float]:
    workload = task.workload
    with _timed(seconds, "gen"), torch.no_grad():
        inputs = _encode(processor, rows)
        policy.eval()
        sequences = policy.generate(
            **inputs,
            **{"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0},
            max_new_tokens=workload.new_tokens,
            num_return_sequences=workload.rollouts,
        )
        policy.train()
    with _timed(seconds, "reward"):
        answers = processor.batch_decode(sequences[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        truths = [row["ground_truth"] for row in rows for _ in range(workload.rollouts)]
        scores = torch.tensor([detection_score(*pair) for pair in zip(answers, truths, strict=True)])
        groups = scores.view(len(rows), workload.rollouts)
        advantages = (groups - groups.mean(1, keepdim=True)) / (groups.std(1, keepdim=True) + 1e-6)
    batch = _with_answers(inputs, sequences, workload.rollouts)
    with _timed(seconds, "ref"), torch.no_grad():
        reference_log_probs = _log_probs(reference, batch, workload.new_tokens)
    with _timed(seconds, "update"):
        log_probs = _log_probs(policy, batch, workload.new_tokens)
        policy_loss = -advantages.view(-1, 1) * torch.exp(log_probs - log_probs.detach())
        difference = reference_log_probs - log_probs
        kl = torch.exp(difference) - difference - 1
        (policy_loss + workload.beta * kl).mean(1).mean().backward()
    return {
        "critic/score/mean": float(scores.mean()),
        "actor/pg_loss": float(policy_loss.detach().mean()),
        "actor/kl_loss": float(kl.detach().mean()),
        "response_length/mean": float(sequences.shape[1] - inputs["input_ids"].shape[1]),
    }


def _encode(processor: Any, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    texts = [
        processor.apply_chat_template(
            [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": row["prompt"][0]["content"]}]}],
            add_generation_prompt=True,
        )
        for row in rows
    ]
    pictures = [row["image"] for row in rows]
    return dict(processor(text=texts, images=pictures, padding=True, padding_side="left", return_tensors="pt"))


def _with_answers(inputs: dict[str, torch.Tensor], sequences: torch.Tensor, rollouts: int) -> dict[str, torch.Tensor]:
    """The processor's tensors for prompt and answer, each prompt as often as it was answered."""
    patches = inputs["image_grid_thw"].prod(1).tolist()
    pictures = [picture for picture in inputs["pixel_values"].split(patches) for _ in range(rollouts)]
    batch = {
        "input_ids": sequences,
        "pixel_values": torch.cat(pictures),
        "image_grid_thw": inputs["image_grid_thw"].repeat_interleave(rollouts, 0),
    }
    new = sequences.shape[1] - inputs["input_ids"].shape[1]
    for name, value in (("attention_mask", 1), ("mm_token_type_ids", 0)):
        prompt = inputs[name].repeat_interleave(rollouts, 0)
        batch[name] = torch.nn.functional.pad(prompt, (0, new), value=value)
    return batch


def _log_probs(model: Any, batch: dict[str, torch.Tensor], new_tokens: int) -> torch.Tensor:
    logits = model(**batch, logits_to_keep=new_tokens + 1).logits[:, :-1]
    answers = batch["input_ids"][:, -new_tokens:]
    return torch.log_softmax(logits, -1).gather(-1, answers.unsqueeze(-1)).squeeze(-1)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - begin


if __name__ == "__main__":
    main()
