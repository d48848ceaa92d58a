# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""veRL's optimizer settings with the linear schedule, which it refuses."""

from __future__ import annotations

from dataclasses import dataclass

from verl.workers.config import FSDPOptimizerConfig

LINEAR = "linear"


@dataclass
class VisualRFTOptimizerConfig(FSDPOptimizerConfig):
    """veRL's settings; ``lr_scheduler_type`` may be "linear" too. Selected by ``optim._target_``."""

    lr_scheduler_type: str = "constant"

    def __post_init__(self) -> None:
        """Check the settings as veRL does, which asserts "constant" or "cosine" (``config/optimizer.py:123``)."""
        linear = self.lr_scheduler_type == LINEAR
        if linear:
            self.lr_scheduler_type = "constant"
        super().__post_init__()
        if linear:
            self.lr_scheduler_type = LINEAR


def linear_factor(step: int, total_steps: int, warmup_steps: int, min_ratio: float) -> float:
    """Learning rate of update ``step`` (the first is 0) as a share of the highest.

    It rises from 0 over the warm-up and then falls to ``min_ratio`` at ``total_steps``. Without warm-up and with
    ``min_ratio`` 0 it is ``1 - step / total_steps``, the published training's (the default of transformers' Trainer).

    Example:
        >>> [linear_factor(step, 4, 0, 0.0) for step in range(6)]
        [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """
    if step < warmup_steps:
        return step / warmup_steps
    left = max(0, total_steps - step) / max(1, total_steps - warmup_steps)
    return min_ratio + (1 - min_ratio) * left
