# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Curriculum over tau, the IoU from which a box is a hit: rough boxes pay at first, only good ones in the end."""

from __future__ import annotations

#: tau of the first and of the last step: the published threshold, and one that asks for tight boxes.
FIRST, LAST = 0.5, 0.9


def tau_at(step: int, total_steps: int, first: float = FIRST, last: float = LAST) -> float:
    """Return tau of a training step: ``first + (last - first) (step - 1) / (total_steps - 1)``.

    Ours; the paper's tau is fixed. Others raise it in stages (V-Triune's dynamic IoU: 0.85, 0.95, 0.99).

    Args:
        step: From 1 to ``total_steps``; beyond, tau stays ``last``.
        total_steps: Steps of the whole run, at least 1. A run of one step has ``first``.
        first: tau of step 1, in (0, 1].
        last: tau of the last step, in (0, 1].

    Returns:
        Between ``first`` and ``last``.

    Raises:
        ValueError: ``step`` or ``total_steps`` is less than 1.

    Example:
        >>> [round(tau_at(step, 5), 2) for step in (1, 2, 3, 4, 5)]
        [0.5, 0.6, 0.7, 0.8, 0.9]
    """
    if step < 1 or total_steps < 1:
        raise ValueError(f"step {step} of {total_steps}: both count from 1")
    progress = min(1.0, (step - 1) / (total_steps - 1)) if total_steps > 1 else 0.0
    return first + (last - first) * progress
