# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""GPUs that a plan can be made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

GIB = 2**30


@dataclass(frozen=True)
class Gpu:
    """A GPU.

    Attributes:
        name: As on the command line.
        memory: Bytes that PyTorch sees, which is less than the name says.
        flops: Dense bf16 operations a second, accumulated in fp32.
        bandwidth: Bytes a second of its memory.
        link: Bytes a second to another GPU of the machine, one direction.
        host_link: Bytes a second to main memory, one direction (PCIe).
    """

    name: str
    memory: float
    flops: float
    bandwidth: float
    link: float
    host_link: float


#: Compute, bandwidth and links: NVIDIA's data sheets (A100 80GB and 40GB SXM, H100 SXM, H200 SXM, L40S) and the Ada GPU
#: architecture whitepaper (RTX 4090), without sparsity. Memory: "total capacity" of PyTorch's out-of-memory messages.
GPUS: Mapping[str, Gpu] = {
    gpu.name: gpu
    for gpu in (
        Gpu("a100-40g", 39.4 * GIB, 312e12, 1.555e12, 300e9, 32e9),
        Gpu("a100-80g", 79.1 * GIB, 312e12, 2.039e12, 300e9, 32e9),
        Gpu("h100-80g", 79.1 * GIB, 989e12, 3.35e12, 450e9, 64e9),
        Gpu("h200-141g", 139.7 * GIB, 989e12, 4.8e12, 450e9, 64e9),
        Gpu("l40s-48g", 44.4 * GIB, 362e12, 0.864e12, 32e9, 32e9),
        Gpu("rtx4090-24g", 23.6 * GIB, 165e12, 1.008e12, 32e9, 32e9),
    )
}
