# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a device needs of the environment; ``python -m verl_visual_rft.runs.device cpu 2`` prints it for a shell."""

from __future__ import annotations

import os
import sys

from verl_visual_rft.terminal import say


def device_variables(device: str, ranks: int) -> dict[str, str]:
    """Return the environment variables of a training on a device; what the user has set stays.

    Args:
        device: "cpu" or "cuda".
        ranks: Of this machine. On the CPU a rank is a process, and gets an equal share of the cores.
    """
    if device != "cpu":
        return {}
    cores = len(os.sched_getaffinity(0))
    defaults = {
        "OMP_NUM_THREADS": str((cores + ranks - 1) // ranks),
        # Waiting threads sleep: spinning ones take the cores from the run's other processes, and from a second run all.
        "OMP_WAIT_POLICY": "PASSIVE",
        # OMP_NUM_THREADS holds for vLLM too: by itself it leaves a core idle, and pins the servers of all ranks to the
        # same ones.
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        # oneDNN keeps a kernel for each batch size that it meets, 0.3 MB each, 1024 by default; fewer are as fast.
        "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256",
        # Ray's default niceness of 15 would starve a run beside any other program.
        "RAY_worker_niceness": "0",
    }
    return {"VERL_PLATFORM": "cpu"} | {name: os.environ.get(name) or value for name, value in defaults.items()}


if __name__ == "__main__":
    for variable in device_variables(sys.argv[1], int(sys.argv[2])).items():
        say("=".join(variable))
