# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""GPUs: those of this machine, and those that a plan can be made for. Recipes run it to count the first."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from verl_visual_rft.errors import UserError

GIB = 2**30
_NVIDIA_SMI_SECONDS = 30.0


def visible_gpus() -> list[str]:
    """Return the NVIDIA GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them, without loading CUDA.

    As CUDA reads that variable: by index, or by the beginning of the identifier of a GPU or of a MIG instance; what
    follows the first entry that is neither is hidden. A GPU in MIG mode counts once where no instance is named.

    Raises:
        UserError: nvidia-smi does not answer.
    """
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return list(itertools.takewhile(_names_gpu, (name.strip() for name in allowed.split(","))))
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        listing = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=_NVIDIA_SMI_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"nvidia-smi does not answer within {_NVIDIA_SMI_SECONDS:.0f} s; mend the driver") from error
    lines = [line for line in listing.stdout.splitlines() if line.startswith("GPU ")]  # MIG instances are indented
    return [str(index) for index in range(len(lines))]


def _names_gpu(name: str) -> bool:
    return name.isdecimal() or name.startswith(("GPU-", "MIG-"))


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

if __name__ == "__main__":
    try:
        print(len(visible_gpus()))
    except UserError as error:
        sys.exit(f"error: {error}")
