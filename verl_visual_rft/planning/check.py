# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Refuse a run that cannot work, before anything starts; every recipe calls this first.

The command that trains says the model, the GPUs, the batches, the prepared data and the checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from verl_visual_rft.planning import refusals
from verl_visual_rft.planning.command import compose, parse_command
from verl_visual_rft.planning.inputs import (
    check_checkpoints,
    check_devices,
    check_outputs,
    check_prepared,
    check_weights,
)
from verl_visual_rft.planning.models import Model, load_model
from verl_visual_rft.planning.settings import Settings, settings_of
from verl_visual_rft.training.algorithms.checks import check_algorithm
from verl_visual_rft.training.scoring.custom_function import check_loads, custom_function


def check_training(command: Sequence[str], think: bool | None = None) -> None:
    """Refuse a training command that cannot work.

    Args:
        command: The command line.
        think: Whether prepared prompts shall ask for a thinking process; None: either will do.

    Raises:
        UserError: The model, the settings, the machine, the prepared data or the checkpoints do not fit, or the stages
            after it would find nothing.
    """
    config = compose(parse_command(command))
    settings, model = checked(config)
    check_devices(settings.device, settings.ranks_per_node, settings.nodes)
    for folder in settings.data_folders:
        check_prepared(folder, model, think)
    check_checkpoints(settings, model)
    check_outputs(command, config)


def checked(config: Mapping[str, Any]) -> tuple[Settings, Model]:
    """Return the settings and the model of a resolved configuration.

    Raises:
        UserError: The settings, the algorithm, the reward's function or the model cannot work.
    """
    settings = settings_of(config)
    if "algorithm" in config:
        check_algorithm(config)
        if function := custom_function(config):
            check_loads(function)
    model = load_model(settings.model)
    check_weights(settings.model)
    refusals.check(settings, model)
    return settings, model


def check_evaluation(model: str, device: str, gpus: int) -> None:
    """Refuse to ask a model that is none, or cannot be fetched, or on more GPUs than there are.

    Args:
        model: A folder, or a name on the hub.
        device: "cpu" or "cuda".
        gpus: On a CPU, ranks.

    Raises:
        UserError: The message names what does not fit, and the remedy.
    """
    load_model(model)
    check_weights(model)
    check_devices(device, gpus)
