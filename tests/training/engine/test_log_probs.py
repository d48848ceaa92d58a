# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Log-probabilities and entropies in blocks of rows: those of the formula, with a bounded memory."""

from itertools import accumulate

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

from verl.utils import torch_functional  # noqa: E402

from verl_visual_rft.training.engine import log_probs  # noqa: E402
from verl_visual_rft.training.engine.log_probs import token_entropies, token_log_probs  # noqa: E402


@pytest.fixture(params=[1, 7, 1000], ids="rows of a block: {}".format)
def _blocks_of(request, monkeypatch):
    monkeypatch.setattr(log_probs, "_BLOCK_ON_CPU", request.param * 50)


def values_and_gradient(log_probs_of, logits, labels, weights):
    logits = logits.clone().requires_grad_()
    values = log_probs_of(logits, labels)
    (values * weights).sum().backward()
    return values.detach(), logits.grad


def by_the_formula(logits, labels):
    return torch.log_softmax(logits.double(), -1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)


def token_by_token(logits, labels):
    """veRL 0.9.1's ``logprobs_from_logits_v2`` for float32."""
    return torch.stack([logit[label] - logit.logsumexp(-1) for logit, label in zip(logits, labels, strict=True)])


@pytest.mark.usefixtures("_blocks_of")
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 1e-6), (torch.bfloat16, 5e-3)]
)
@pytest.mark.parametrize("shape", [(23,), (4, 9), (1,), (0,)])
def test_values_and_gradients_are_those_of_the_formula(dtype, tolerance, shape):
    generator = torch.Generator().manual_seed(0)
    logits = (8 * torch.randn(*shape, 50, generator=generator)).to(dtype)
    labels = torch.randint(50, shape, generator=generator)
    weights = torch.randn(shape, generator=generator)

    values, gradient = values_and_gradient(token_log_probs, logits, labels, weights)

    expected, expected_gradient = values_and_gradient(by_the_formula, logits, labels, weights)
    assert values.shape == labels.shape
    assert values.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert gradient.dtype == dtype
    # What bfloat16 loses is the rounding of the gradient alone: it is added up in float32.
    torch.testing.assert_close(
        values.double(), expected, rtol=1e-6, atol=tolerance if dtype != torch.bfloat16 else 1e-5
    )
    torch.testing.assert_close(gradient.double(), expected_gradient.double(), rtol=tolerance, atol=tolerance)


def test_veRLs_own_gives_the_same():
    generator = torch.Generator().manual_seed(1)
    logits, labels = 5 * torch.randn(30, 50, generator=generator), torch.randint(50, (30,), generator=generator)
    weights = torch.randn(30, generator=generator)
    values, gradient = values_and_gradient(token_log_probs, logits, labels, weights)
    veRLs, veRLs_gradient = values_and_gradient(token_by_token, logits, labels, weights)
    torch.testing.assert_close(values, veRLs, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(gradient, veRLs_gradient, rtol=1e-6, atol=1e-6)


def test_logits_of_minus_infinity_are_probability_0():
    logits = torch.tensor([[0.0, float("-inf"), 0.0]])
    values, gradient = values_and_gradient(token_log_probs, logits, torch.tensor([0]), torch.ones(1))
    assert values.item() == pytest.approx(-0.6931, abs=1e-4)
    assert gradient.tolist() == [[0.5, 0.0, -0.5]]


@pytest.mark.usefixtures("_blocks_of")
@pytest.mark.parametrize("shape", [(23,), (4, 9)])
def test_entropies_are_those_of_veRL_and_have_no_gradient(shape):
    logits = 3 * torch.randn(*shape, 50, generator=torch.Generator().manual_seed(2))
    entropies = token_entropies(logits.requires_grad_())
    torch.testing.assert_close(entropies, torch_functional.entropy_from_logits(logits.detach()))
    assert not entropies.requires_grad


def peak_memory(run) -> int:
    """Bytes of tensors that ``run`` holds at once, beside what is there before."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        run()
    events = sorted(profile.profiler.kineto_results.events(), key=lambda event: event.start_ns())
    return max(accumulate(event.nbytes() for event in events if event.name() == "[memory]"))


def test_beside_the_logits_only_their_gradient_is_held():
    logits = torch.randn(2048, 4096, requires_grad=True)
    labels = torch.zeros(2048, dtype=torch.int64)
    assert peak_memory(lambda: token_log_probs(logits, labels).sum().backward()) < 1.1 * logits.nbytes
    logits.grad = None
    assert peak_memory(lambda: token_by_token(logits, labels).sum().backward()) > 1.9 * logits.nbytes  # veRL's


def test_veRL_takes_its_log_probs_from_here():
    """Fails without the plug-in: veRL's own calls logsumexp once a token."""
    logits, labels = torch.randn(64, 50), torch.zeros(64, dtype=torch.int64)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        torch_functional.logprobs_from_logits(logits, labels)
    calls = {event.key: event.count for event in profile.key_averages()}
    assert sum(calls.get(f"aten::{name}", 0) for name in ("logsumexp", "log_softmax")) == 1
