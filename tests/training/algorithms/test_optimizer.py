# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")
transformers = pytest.importorskip("transformers")

from verl_visual_rft.training.algorithms.optimizer import VisualRFTOptimizerConfig, linear_factor  # noqa: E402


@pytest.mark.parametrize(("total", "warmup"), [(10, 0), (10, 3), (1, 0), (200, 20)])
def test_the_schedule_is_that_of_the_published_trainer(total, warmup):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    published = transformers.get_linear_schedule_with_warmup(optimizer, warmup, total)
    for step in range(total + 2):
        assert linear_factor(step, total, warmup, 0.0) == pytest.approx(published.get_last_lr()[0], abs=1e-12), step
        optimizer.step()
        published.step()


def test_it_may_end_above_zero():
    assert [linear_factor(step, 4, 0, 0.5) for step in (0, 2, 4, 9)] == [1.0, 0.75, 0.5, 0.5]


def test_linear_is_admitted_beside_what_veRL_knows():
    from verl.workers.config import FSDPOptimizerConfig

    assert VisualRFTOptimizerConfig(lr_scheduler_type="linear").lr_scheduler_type == "linear"
    assert VisualRFTOptimizerConfig(lr_scheduler_type="cosine").lr_scheduler_type == "cosine"
    with pytest.raises(AssertionError):
        VisualRFTOptimizerConfig(lr_scheduler_type="quadratic")
    with pytest.raises(AssertionError):  # the day veRL admits it, ours goes
        FSDPOptimizerConfig(lr_scheduler_type="linear")
