# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The checks for a user who starts veRL's trainers without a recipe."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import wrapt


def check_before_training(device: ModuleType) -> None:
    """Check the configuration where both of veRL's trainers first touch it, before Ray starts.

    Their ``main`` begins with ``verl.utils.device.auto_set_device(config)`` (main_ppo.py:174, sft_trainer.py:464).
    Only configurations of this package have the key ``visual_rft``: other runs of veRL are left alone.
    """

    def checked(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        config = args[0] if args else kwargs["config"]
        if "visual_rft" in config:
            _check(config)
        return wrapped(*args, **kwargs)

    wrapt.wrap_function_wrapper(device, "auto_set_device", checked)


def _check(config: Any) -> None:
    from verl_visual_rft.planning import refusals
    from verl_visual_rft.planning.inputs import check_prepared, check_rows
    from verl_visual_rft.planning.models import load_model
    from verl_visual_rft.planning.settings import settings_of

    settings = settings_of(config)
    model = load_model(settings.model)
    refusals.check(settings, model)
    for folder in dict.fromkeys(file.parent for file in settings.train_files):
        check_prepared(folder, model)
    check_rows(settings)
