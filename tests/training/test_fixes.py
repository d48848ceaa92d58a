# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

from tensordict import TensorDict  # noqa: E402

from verl_visual_rft.training.fixes import ragged_over_length  # noqa: E402


def position_ids(length: int, start: int) -> "torch.Tensor":
    return torch.arange(4 * length).view(4, length) + start


def test_equal_lengths_packed_over_the_rope_axis_are_rebuilt():
    rows = [position_ids(5, 0), position_ids(5, 100), position_ids(5, 200)]
    packed = torch.nested.as_nested_tensor(rows, layout=torch.jagged)  # as TransferQueue packs rows of one shape
    assert packed.values().shape == (12, 5)

    rebuilt = ragged_over_length(packed)

    assert rebuilt.values().shape == (4, 15)
    assert rebuilt.offsets().tolist() == [0, 5, 10, 15]
    for row, expected in zip(rebuilt.unbind(), rows, strict=True):
        assert torch.equal(row, expected)


def test_different_lengths_are_left_alone():
    values = torch.cat([position_ids(5, 0), position_ids(3, 100)], dim=1)
    ragged = torch.nested.nested_tensor_from_jagged(values, torch.tensor([0, 5, 8]), jagged_dim=2)
    assert ragged_over_length(ragged) is ragged


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_verl_can_split_a_batch_of_equal_lengths(batch):
    """Fails without the fix: verl's own function leaves the rows packed over the rope axis."""
    from verl.utils.tensordict_utils import maybe_fix_3d_position_ids

    rows = [position_ids(64, 1000 * i) for i in range(batch)]
    data = TensorDict({"position_ids": torch.nested.as_nested_tensor(rows, layout=torch.jagged)}, batch_size=[batch])

    maybe_fix_3d_position_ids(data)

    assert [tuple(row.shape) for row in data["position_ids"].unbind()] == [(4, 64)] * batch
    assert torch.equal(data["position_ids"].unbind()[-1], rows[-1])
