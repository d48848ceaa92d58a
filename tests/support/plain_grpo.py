# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The published GRPO step in plain PyTorch, from the formulas: no part of veRL, nor of this package.

Published code: ``Qwen2VLGRPOTrainer.compute_loss`` (github.com/Liuziyu77/Visual-RFT, ``trainer/grpo_trainer.py``), with
the defaults of transformers' Trainer and TRL 0.15 for the rest.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

LR, BETA, EPSILON, MAX_NORM = 1e-6, 0.04, 1e-4, 1.0
BETAS, ADAM_EPSILON = (0.9, 0.999), 1e-8


@dataclass
class Step:
    loss: float
    kl: float
    advantages: list[float]
    grad_norm: float
    lr: float


def advantages(rewards, groups) -> list[float]:
    rewards, groups = np.array(rewards, dtype=np.float64), np.array(groups)
    result = np.empty_like(rewards)
    for group in set(groups):
        r = rewards[groups == group]
        result[groups == group] = (r - r.mean()) / (r.std(ddof=1) + EPSILON)
    return result.tolist()


def response_log_probs(model, row) -> torch.Tensor:
    """Log-probability of each token of the response; one row at a time, so nothing is padded."""
    tokens = torch.cat([row["prompt_ids"], row["response_ids"]]).unsqueeze(0)
    logits = model(
        input_ids=tokens,
        pixel_values=row["pixel_values"],
        image_grid_thw=row["image_grid_thw"],
        mm_token_type_ids=(tokens == model.config.image_token_id).int(),
    ).logits[0]
    n_response = len(row["response_ids"])
    log_probs = torch.log_softmax(logits[-n_response - 1 : -1].float(), dim=-1)
    return log_probs.gather(1, row["response_ids"].unsqueeze(1)).squeeze(1)


def train(policy, reference, rows, total_steps: int, n_steps: int) -> list[Step]:
    """Take ``n_steps`` of a training of ``total_steps`` on the same rollouts; changes ``policy``."""
    parameters = [p for p in policy.parameters() if p.requires_grad]
    first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
    of_rows = advantages([row["score"] for row in rows], [row["uid"] for row in rows])
    with torch.no_grad():
        of_reference = [response_log_probs(reference, row) for row in rows]
    steps = []
    for t in range(n_steps):
        policy.zero_grad()
        loss_sum = kl_sum = 0.0
        for row, advantage, ref in zip(rows, of_rows, of_reference, strict=True):
            log_probs = response_log_probs(policy, row)
            k3 = torch.exp(ref - log_probs) - (ref - log_probs) - 1
            per_token = -(torch.exp(log_probs - log_probs.detach()) * advantage - BETA * k3)
            loss = per_token.mean() / len(rows)
            loss.backward()
            loss_sum += loss.item()
            kl_sum += k3.mean().item() / len(rows)
        norm = math.sqrt(sum(float((p.grad.double() ** 2).sum()) for p in parameters))
        lr = LR * (1 - t / total_steps)
        with torch.no_grad():
            for p, m, v in zip(parameters, first, second, strict=True):
                gradient = p.grad * min(1.0, MAX_NORM / (norm + 1e-6))
                m.mul_(BETAS[0]).add_(gradient, alpha=1 - BETAS[0])
                v.mul_(BETAS[1]).add_(gradient**2, alpha=1 - BETAS[1])
                m_hat, v_hat = m / (1 - BETAS[0] ** (t + 1)), v / (1 - BETAS[1] ** (t + 1))
                p -= lr * m_hat / (v_hat.sqrt() + ADAM_EPSILON)
        steps.append(Step(loss_sum, kl_sum, of_rows, norm, lr))
    return steps
