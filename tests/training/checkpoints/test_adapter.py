# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What ranks have saved of a weight, put together: torch's own DTensors, placed for each rank without the others."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import torch.distributed as dist  # noqa: E402
from torch.distributed.device_mesh import init_device_mesh  # noqa: E402
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor  # noqa: E402
from torch.testing._internal.distributed.fake_pg import FakeStore  # noqa: E402

from verl_visual_rft.training.checkpoints.adapter import _gather  # noqa: E402

WHOLE = torch.arange(35.0).reshape(7, 5)


def save_as_rank(folder: Path, rank: int, mesh: tuple[int, ...], placements: list[object]) -> None:
    ranks = torch.Size(mesh).numel()
    dist.init_process_group("fake", store=FakeStore(), rank=rank, world_size=ranks)
    try:
        names = {1: ("fsdp",), 2: ("ddp", "fsdp")}[len(mesh)]  # as verl 0.9.1 names them (``create_device_mesh``)
        on_mesh = init_device_mesh("cpu", mesh, mesh_dim_names=names)
        placed = distribute_tensor(WHOLE, on_mesh, placements, src_data_rank=None)  # each rank cuts out its own
        assert isinstance(placed, DTensor) and placed.shape == WHOLE.shape
        torch.save({"weight": placed}, folder / f"model_world_size_{ranks}_rank_{rank}.pt")
    finally:
        dist.destroy_process_group()


@pytest.mark.parametrize(
    ("mesh", "placements"),
    [
        ((1,), [Shard(0)]),
        ((3,), [Shard(0)]),
        ((3,), [Shard(1)]),
        ((2,), [Replicate()]),
        ((2, 2), [Replicate(), Shard(0)]),  # HSDP
        ((1, 3), [Replicate(), Shard(0)]),
        ((3, 4), [Replicate(), Shard(1)]),
        ((2, 2), [Replicate(), Replicate()]),
        ((2, 2), [Shard(0), Shard(1)]),
        ((8,), [Shard(0)]),  # a rank without any of it
    ],
)
def test_parts_of_all_ranks_are_the_whole(tmp_path, mesh, placements):
    for rank in range(torch.Size(mesh).numel()):
        save_as_rank(tmp_path, rank, mesh, placements)
    assert torch.equal(_gather(tmp_path)["weight"], WHOLE)
