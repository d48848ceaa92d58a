# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Entropies that an update logs are veRL's own, in both layouts of its engine; only without a gradient."""

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

from tensordict import TensorDict  # noqa: E402
from verl.utils import tensordict_utils  # noqa: E402
from verl.workers.engine.fsdp.transformer_impl import FSDPEngineWithLMHead  # noqa: E402

from verl_visual_rft.training.engine.one_update import OWN_LOG_PROBS, OneUpdate  # noqa: E402

LENGTHS, VOCABULARY = (5, 9, 1), 11


class Engine(OneUpdate, FSDPEngineWithLMHead):
    """An engine of which only what a model's outputs become is there."""

    def __init__(self):
        self.use_ulysses_sp = False
        self.engine_config = SimpleNamespace(entropy_checkpointing=False, entropy_from_logits_with_chunking=False)
        from verl.utils import torch_functional

        self.compute_entropy_from_logits = torch_functional.entropy_from_logits


def outputs(packed, temperature, **flags):
    ids = torch.nested.as_nested_tensor([torch.arange(length) for length in LENGTHS], layout=torch.jagged)
    micro_batch = TensorDict({"input_ids": ids}, len(LENGTHS))
    tensordict_utils.assign_non_tensor(micro_batch, use_remove_padding=packed, temperature=temperature, **flags)
    shape = (1, sum(LENGTHS)) if packed else (len(LENGTHS), max(LENGTHS))
    logits = torch.randn(*shape, VOCABULARY, generator=torch.Generator().manual_seed(0), requires_grad=True)
    temperatures = torch.full((len(LENGTHS),), temperature)
    output_args = {
        "input_ids_rmpad_rolled": torch.roll(ids.values(), -1),
        "temperature_rmpad": torch.full((sum(LENGTHS),), temperature),
        "temperature": temperatures,
        "temperature_is_one": temperature == 1.0,
        "pad_size": 0,
    }
    return Engine().prepare_model_outputs(SimpleNamespace(logits=logits), output_args, micro_batch, None)


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "padded"])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_they_are_veRLs(packed, temperature):
    own = outputs(packed, temperature, **{OWN_LOG_PROBS: True})
    veRLs = outputs(packed, temperature, calculate_entropy=True)
    assert [len(row) for row in own["entropy"].unbind()] == list(LENGTHS)
    torch.testing.assert_close(own["entropy"].values(), veRLs["entropy"].values())
    torch.testing.assert_close(own["log_probs"].values(), veRLs["log_probs"].values())
    assert not own["entropy"].requires_grad
    assert own["log_probs"].requires_grad


def test_an_entropy_that_veRL_trains_on_is_left_to_it():
    own = outputs(False, 1.0, calculate_entropy=True, **{OWN_LOG_PROBS: True})
    assert own["entropy"].requires_grad


def test_other_passes_compute_none():
    assert "entropy" not in outputs(False, 1.0)
