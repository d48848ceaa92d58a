# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Linear layers in float32 by oneDNN, where PyTorch takes MKL: on AMD's processors that is about half as fast."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def compute_linear_layers_with_onednn(_: ModuleType) -> None:
    """Have ``torch.nn.functional.linear`` of this process multiply float32 by oneDNN.

    Symptom: PyTorch multiplies float32 by MKL: 140 GFLOPS on two cores of an AMD EPYC with AVX-512 (11 184 x 320 times
    320 x 960), where oneDNN, which it has too, does 230. torch 2.13. Gradients of weights stay MKL's: as fast there.
    """
    import torch

    if not torch.backends.mkldnn.is_available():
        return
    plain = torch.nn.functional.linear
    multiply: Any = torch.ops.mkldnn._linear_pointwise

    class Linear(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, weight: Any, bias: Any) -> Any:
            ctx.save_for_backward(x, weight)
            product = multiply(x, weight, bias, "none", [], "")
            # As PyTorch's own: no view of the rows in two dimensions, on which FSDP2 warns of in-place operations.
            return torch.ops.aten._unsafe_view(product, product.shape)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            x, weight = ctx.saved_tensors
            rows = gradient.reshape(-1, gradient.shape[-1])
            of_x, of_weight, of_bias = ctx.needs_input_grad
            return (
                multiply(gradient, weight.t().contiguous(), None, "none", [], "") if of_x else None,
                rows.t() @ x.reshape(-1, x.shape[-1]) if of_weight else None,
                rows.sum(0) if of_bias else None,
            )

    def linear(x: Any, weight: Any, bias: Any = None) -> Any:
        ours = _is_plain(x) and _is_plain(weight) and x.ndim > 1 and x.numel() and not torch.is_autocast_enabled("cpu")
        return Linear.apply(x, weight, bias) if ours else plain(x, weight, bias)

    def _is_plain(tensor: Any) -> bool:
        return (
            type(tensor) in (torch.Tensor, torch.nn.Parameter)  # not a sharded one
            and tensor.dtype == torch.float32
            and tensor.device.type == "cpu"
        )

    torch.nn.functional.linear = linear
