# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Takes one thing out of ours, named by ``BENCHMARK_WITHOUT``, in every process: Python loads this when it starts.

The package has no switches for them; a run that is to be slower needs no support.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

import wrapt


def _set(**replacements: Any) -> Callable[[ModuleType], None]:
    def apply(module: ModuleType) -> None:
        for name, value in replacements.items():
            assert hasattr(module, name), name
            setattr(module, name, value)

    return apply


def _nothing(*_: Any) -> None:
    return None


def _look_as_verl_does(module: ModuleType) -> None:
    def wait_for(self: Any, rollouts: Any) -> None:
        self.poll_interval = 2.0

    module.VisualRFTReplayBuffer.wait_for = wait_for


_PACKAGE = "verl_visual_rft.training"
#: Module of ours that is changed once it is imported, and how.
_TAKEN_OUT = {
    "event": (f"{_PACKAGE}.replay_buffer", _look_as_verl_does),
    "one_update": (f"{_PACKAGE}.speed.one_update", _set(wants_no_old_log_probs=lambda config: False)),
    "log_probs": (f"{_PACKAGE}.speed.log_probs", _set(log_probs_in_blocks=_nothing)),
    "last_output": (f"{_PACKAGE}.speed.last_output", _set(last_output_only=dict)),
    "sleep": (f"{_PACKAGE}.cpu.fixes", _set(sleep_between_messages=_nothing)),
    "onednn": (f"{_PACKAGE}.cpu.linear", _set(compute_linear_layers_with_onednn=_nothing)),
}

if without := os.environ.get("BENCHMARK_WITHOUT"):
    module, change = _TAKEN_OUT[without]
    wrapt.register_post_import_hook(change, module)
