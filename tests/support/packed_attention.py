# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for flash-attention, so that veRL's path for GPUs runs on a CPU: packed sequences, in any precision.

`install` makes a package ``flash_attn`` of PyTorch's own attention, segment by segment, and lets transformers and veRL
take it for the real one.
"""

import sys
from importlib.machinery import ModuleSpec
from itertools import pairwise
from types import ModuleType

import torch
import torch.distributed
import torch.nn.functional as F


def flash_attn_func(
    q, k, v, dropout_p=0.0, softmax_scale=None, causal=False, window_size=(-1, -1), deterministic=False
):
    """Attention of ``(batch, tokens, heads, width)``; fewer heads of keys and values are shared by those of queries."""
    assert window_size == (-1, -1)
    assert not causal or q.shape[1] == k.shape[1]
    q, k, v = (states.transpose(1, 2) for states in (q, k, v))
    attended = F.scaled_dot_product_attention(
        q, k, v, dropout_p=dropout_p, is_causal=causal, scale=softmax_scale, enable_gqa=q.shape[1] != k.shape[1]
    )
    return attended.transpose(1, 2)


def flash_attn_varlen_func(
    q,
    k,
    v,
    cu_seqlens_q,
    cu_seqlens_k,
    max_seqlen_q,
    max_seqlen_k,
    dropout_p=0.0,
    softmax_scale=None,
    causal=False,
    window_size=(-1, -1),
    deterministic=False,
):
    """Attention of packed ``(tokens, heads, width)``: a token attends to its own segment alone."""
    assert cu_seqlens_q[-1] == len(q) and cu_seqlens_k[-1] == len(k)
    assert cu_seqlens_q.diff().max() <= max_seqlen_q and cu_seqlens_k.diff().max() <= max_seqlen_k
    segments = zip(pairwise(cu_seqlens_q.tolist()), pairwise(cu_seqlens_k.tolist()), strict=True)
    attended = [
        flash_attn_func(
            *(states.unsqueeze(0) for states in (q[of_q], k[of_k], v[of_k])),
            dropout_p=dropout_p,
            softmax_scale=softmax_scale,
            causal=causal,
            window_size=window_size,
        ).squeeze(0)
        for of_q, of_k in ((slice(*of_q), slice(*of_k)) for of_q, of_k in segments)
    ]
    return torch.cat(attended)


class _CrossEntropy(torch.autograd.Function):
    """As flash-attention's: the backward pass may write the gradient into the logits themselves."""

    @staticmethod
    def forward(ctx, logits, labels, inplace_backward):
        normaliser = logits.float().logsumexp(-1)
        ctx.save_for_backward(logits, labels, normaliser)
        ctx.inplace_backward = inplace_backward
        return normaliser - logits.gather(-1, labels.unsqueeze(-1)).squeeze(-1).float()

    @staticmethod
    def backward(ctx, grad):
        logits, labels, normaliser = ctx.saved_tensors
        probabilities = (logits.float() - normaliser.unsqueeze(-1)).exp()
        gradient = probabilities - F.one_hot(labels, logits.shape[-1])
        out = logits if ctx.inplace_backward else torch.empty_like(logits)
        return out.copy_(gradient * grad.unsqueeze(-1)), None, None


def cross_entropy_loss(logits, labels, inplace_backward=False):
    """Negative log-probability of each label, of logits ``(rows, vocabulary)``; the second loss is not asked for."""
    return _CrossEntropy.apply(logits, labels, inplace_backward), None


def all_to_all(outputs, inputs, group=None, async_op=False, exchange=torch.distributed.all_to_all):
    """``torch.distributed.all_to_all`` of tensors of one shape, also where gloo has none (PyTorch 2.11)."""
    try:
        return exchange(outputs, inputs, group=group, async_op=async_op)
    except RuntimeError as error:
        if "does not support alltoall" not in str(error):
            raise
    sent = torch.stack(inputs)
    gathered = [torch.empty_like(sent) for _ in inputs]
    torch.distributed.all_gather(gathered, sent, group=group)
    for output, received in zip(outputs, gathered, strict=True):
        output.copy_(received[torch.distributed.get_rank(group)])


def install() -> None:
    """Make ``flash_attn``, and have transformers and verl find it."""
    from transformers import modeling_flash_attention_utils as of_transformers
    from transformers import utils
    from transformers.utils import import_utils
    from verl.utils import torch_functional

    assert "verl.models.transformers.qwen2_vl" not in sys.modules, "it has looked for flash_attn already"
    here = {"flash_attn_func": flash_attn_func, "flash_attn_varlen_func": flash_attn_varlen_func}
    _module("flash_attn", flash_attn_with_kvcache=None, **here)
    _module("flash_attn.bert_padding", pad_input=of_transformers._pad_input, unpad_input=of_transformers._unpad_input)
    for module in (import_utils, utils, of_transformers):
        module.is_flash_attn_2_available = lambda: True
    for module in (import_utils, utils):
        module.is_flash_attn_greater_or_equal_2_10 = lambda: True
    of_transformers.FLASH_ATTENTION_COMPATIBILITY_MATRIX[2] |= {
        "general_availability_check": lambda: True,
        "supported_devices": ((lambda: True, "cpu"),),
    }
    torch.distributed.all_to_all = all_to_all
    torch_functional.cross_entropy_loss = cross_entropy_loss
    torch_functional.FLAH_ATTN_CROSS_ENTROPY_LOSS_AVAILABLE = True

    # Flash-attention knows no float32, so veRL gives it bfloat16, which autocast makes of everything else too.
    from verl.models.transformers import qwen2_vl

    cast = qwen2_vl.fa_peft_integration_check
    qwen2_vl.fa_peft_integration_check = lambda *states, target_dtype: cast(
        *states, target_dtype if torch.is_autocast_enabled("cpu") else None
    )


def _module(name: str, **contents) -> None:
    module = ModuleType(name)
    module.__dict__.update(contents, __spec__=ModuleSpec(name, None, is_package=True), __path__=[])
    sys.modules[name] = module
