# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The CPU as a platform of veRL (its `PlatformBase` interface, verl 0.9.1 ``plugin/platform/platform_base.py``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import ModuleType
from typing import Any, cast

import psutil
import torch
from verl.plugin.platform.platform_base import PlatformBase


class CPUDevice:
    """The part of ``torch.cuda`` that veRL calls on whatever device it runs on, answered for host memory.

    It equals ``torch.cpu``, which is how veRL itself asks whether there is an accelerator.
    """

    def __eq__(self, other: object) -> bool:
        return other is torch.cpu or isinstance(other, CPUDevice)

    def __hash__(self) -> int:
        return hash(torch.cpu)

    def __getattr__(self, name: str) -> Any:
        return getattr(torch.cpu, name)

    def is_available(self) -> bool:
        return False

    def device_count(self) -> int:
        return 1

    def get_device_name(self, device: object = None) -> str:
        return "cpu"

    def empty_cache(self) -> None: ...

    def ipc_collect(self) -> None: ...

    def set_device(self, device: object) -> None: ...

    def synchronize(self, device: object = None) -> None: ...

    def set_per_process_memory_fraction(self, fraction: float, device: object = None) -> None: ...

    def reset_peak_memory_stats(self, device: object = None) -> None: ...

    def memory_allocated(self, device: object = None) -> int:
        return int(psutil.Process().memory_info().rss)

    memory_reserved = max_memory_allocated = max_memory_reserved = memory_allocated

    def mem_get_info(self, device: object = None) -> tuple[int, int]:
        memory = psutil.virtual_memory()
        return memory.available, memory.total

    def get_rng_state(self, device: object = None) -> torch.Tensor:
        return torch.get_rng_state()

    def set_rng_state(self, state: torch.Tensor, device: object = None) -> None:
        torch.set_rng_state(state)

    def manual_seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    manual_seed_all = manual_seed


class PlatformCPU(PlatformBase):
    """CPU ranks that talk over gloo; Ray's "GPU" stands for one rank, declared by hand (``ray_init.num_gpus``)."""

    @property
    def device_name(self) -> str:
        return "cpu"

    @property
    def vendor_name(self) -> str:
        return "cpu"

    @property
    def device_module(self) -> ModuleType:
        return cast(ModuleType, _DEVICE)

    def is_available(self) -> bool:
        return True

    # Registered only in a run that is on the CPU, so the inherited `is_platform_available` may say yes as well.

    def current_device(self) -> int:
        return cast(int, "cpu")  # an index would mean cuda:0 to torch; veRL passes this straight to `.to()`

    def device_count(self) -> int:
        return 1

    def set_device(self, device_index: int) -> None: ...

    def synchronize(self, device_index: int | None = None) -> None: ...

    def manual_seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    def manual_seed_all(self, seed: int) -> None:
        torch.manual_seed(seed)

    def set_allocator_settings(self, settings: str) -> None: ...

    def empty_cache(self) -> None: ...

    def get_device_capability(self, device_index: int = 0) -> tuple[int | None, int | None]:
        return None, None

    def communication_backend_name(self) -> str:
        return "gloo"

    def visible_devices_envvar(self) -> str:
        return "CUDA_VISIBLE_DEVICES"

    @contextmanager
    def nvtx_range(self, msg: str) -> Iterator[None]:
        with nullcontext():
            yield

    def profiler_start(self) -> None: ...

    def profiler_stop(self) -> None: ...

    def ray_resource_name(self) -> str:
        return "GPU"

    def ray_noset_envvars(self) -> list[str]:
        return ["RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"]

    def is_ipc_supported(self) -> bool:
        return False  # weights then travel to vLLM through shared memory

    def cudart(self) -> None:
        return None


_DEVICE = CPUDevice()


def register_platform(platform_manager: ModuleType) -> None:
    """Register the platform as "cpu" with veRL's `PlatformRegistry`."""
    platform_manager.PlatformRegistry.register(platform="cpu")(PlatformCPU)
