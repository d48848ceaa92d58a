# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Log-probabilities and entropies of tokens, in blocks of rows, so that no second tensor of logits' size is needed."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from torch.autograd.function import once_differentiable

#: Logits of a block: on a CPU what its cache holds, on an accelerator what keeps it busy (256 MiB in float32).
_BLOCK_ON_CPU, _BLOCK = 2**18, 2**26


def log_probs_in_blocks(torch_functional: ModuleType) -> None:
    """Replace veRL's log-probabilities for machines without flash-attention.

    veRL 0.9.1 calls ``logsumexp`` once for every token (``utils/torch_functional.py:197``): 11 000 calls for 64 short
    sequences, as many in the backward pass, whose per-token gradients are then stacked and added to a second tensor of
    logits' size.
    """
    setattr(torch_functional, "logprobs_from_logits_v2", token_log_probs)  # noqa: B010


def token_log_probs(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Log-probability of each label: ``log_softmax(x)[label]``.

    Computed in float32 where the logits are of lower precision. Beside the logits and their gradient only a block of
    rows is held.

    Args:
        logits: Of shape ``(..., vocabulary)``.
        labels: Of shape ``(...)``.

    Returns:
        Of the shape of ``labels``; float32, or float64 where the logits are.

    Example:
        >>> token_log_probs(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
        tensor([-0.6931])
    """
    flat = logits.reshape(-1, logits.shape[-1])
    log_probs: torch.Tensor = _TokenLogProbs.apply(flat, labels.reshape(-1))
    return log_probs.view(labels.shape)


@torch.no_grad()
def token_entropies(logits: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    """Entropy in nats of each row, without a gradient: ``-sum(p * log p)``, ``p = softmax(x / temperature)``.

    Args:
        logits: Of shape ``(..., vocabulary)``.
        temperature: That responses are sampled with.

    Returns:
        Of shape ``(...)``; float32, or float64 where the logits are.

    Example:
        >>> token_entropies(torch.tensor([[0.0, 0.0]]))
        tensor([0.6931])
    """
    entropies = []
    for block in _blocks(logits.reshape(-1, logits.shape[-1])):
        log_p = (block / temperature).log_softmax(-1, dtype=_computed_in(logits))
        # A token of probability 0 adds 0, not 0 * -inf.
        entropies.append(-(log_p.exp() * log_p.clamp_min_(torch.finfo(log_p.dtype).min)).sum(-1))
    return torch.cat(entropies).view(logits.shape[:-1])


class _TokenLogProbs(torch.autograd.Function):
    """Of logits ``(rows, vocabulary)``; the gradient is made anew from them: ``grad * (one_hot - softmax)``."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        labels = labels.unsqueeze(-1)
        ctx.save_for_backward(logits, labels)
        dtype = _computed_in(logits)
        rows = zip(_blocks(logits), _blocks(labels, like=logits), strict=True)
        return torch.cat([block.log_softmax(-1, dtype=dtype).gather(-1, of) for block, of in rows]).squeeze(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        logits, labels = ctx.saved_tensors
        of_logits = torch.empty_like(logits)
        grad, dtype = grad.unsqueeze(-1), _computed_in(logits)
        parts = (_blocks(part, like=logits) for part in (logits, labels, grad, of_logits))
        for block, of, gradient, out in zip(*parts, strict=True):
            out.copy_(block.softmax(-1, dtype=dtype).mul_(-gradient).scatter_add_(-1, of, gradient))
        return of_logits, None


def _blocks(rows: torch.Tensor, like: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
    """Split a tensor into the blocks of rows of the logits, or of those of ``like``."""
    logits = rows if like is None else like
    size = _BLOCK_ON_CPU if logits.device.type == "cpu" else _BLOCK
    blocks: tuple[torch.Tensor, ...] = rows.split(max(1, size // logits.shape[-1]))
    return blocks


def _computed_in(logits: torch.Tensor) -> torch.dtype:
    return torch.float64 if logits.dtype == torch.float64 else torch.float32
