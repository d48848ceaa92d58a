# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Linear layers by oneDNN compute what PyTorch's do."""

import pytest

torch = pytest.importorskip("torch")

from verl_visual_rft.training.cpu.linear import compute_linear_layers_with_onednn  # noqa: E402


@pytest.fixture
def exact(monkeypatch):
    """PyTorch's own function, with ours in its place."""
    plain = torch.nn.functional.linear
    monkeypatch.setattr(torch.nn.functional, "linear", plain)  # put back afterwards
    compute_linear_layers_with_onednn(torch)
    assert torch.nn.functional.linear is not plain
    return plain


@pytest.mark.parametrize("rows", [(11,), (5, 7), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_float64(exact, rows, bias):
    torch.manual_seed(0)
    layer, x, gradient = torch.nn.Linear(96, 288, bias=bias), torch.randn(*rows, 96), torch.randn(*rows, 288)
    x.requires_grad_()
    layer(x).backward(gradient)
    layer64, x64 = torch.nn.Linear(96, 288, bias=bias).double(), x.detach().double().requires_grad_()
    layer64.load_state_dict(layer.state_dict())
    exact(x64, layer64.weight, layer64.bias).backward(gradient.double())
    assert torch.allclose(layer(x).double(), exact(x64, layer64.weight, layer64.bias), rtol=1e-5, atol=1e-6)
    of_ours, of_float64 = ([x, *layer.parameters()], [x64, *layer64.parameters()])
    for ours, float64 in zip(of_ours, of_float64, strict=True):
        assert torch.allclose(ours.grad.double(), float64.grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows", [(11,), (5, 7)], ids=str)
def test_what_comes_out_may_be_changed_in_place(exact, rows):
    """veRL divides logits by the temperature in place; on a view FSDP2 warns that gradients may be wrong then."""
    layer, x = torch.nn.Linear(4, 6), torch.randn(*rows, 4)
    out = layer(x)
    assert not out._is_view()
    out.div_(2).sum().backward()
    assert torch.allclose(layer.bias.grad, torch.full((6,), x.shape[:-1].numel() / 2))


def test_gradients_of_frozen_weights_are_not_computed(exact):
    layer, x = torch.nn.Linear(4, 6), torch.randn(3, 4, requires_grad=True)
    layer.weight.requires_grad_(False)
    layer(x).sum().backward()
    assert layer.weight.grad is None
    assert x.grad is not None


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_are_left_to_pytorch(exact, dtype):
    x, weight = torch.randn(3, 4, dtype=dtype), torch.randn(6, 4, dtype=dtype)
    assert torch.equal(torch.nn.functional.linear(x, weight), exact(x, weight))


def test_autocast_casts_as_it_does_without(exact):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.nn.functional.linear(torch.randn(3, 4), torch.randn(6, 4)).dtype == torch.bfloat16
