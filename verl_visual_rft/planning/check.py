# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Refuse a run that cannot work, before anything starts; every recipe calls this first.

The command that trains says the model, the GPUs, the batches, the prepared data and the checkpoints. Of the folder of
an original data set the first files are looked for; nothing is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.coco_layout import find_layout
from verl_visual_rft.datasets.readers import cars196, fgvc_aircraft, flowers102, pets37
from verl_visual_rft.datasets.readers.classification import require
from verl_visual_rft.datasets.readers.lvis import find_annotations
from verl_visual_rft.errors import UserError
from verl_visual_rft.planning import refusals
from verl_visual_rft.planning.command import compose, parse_command
from verl_visual_rft.planning.inputs import (
    check_checkpoints,
    check_devices,
    check_prepared,
    check_weights,
)
from verl_visual_rft.planning.models import Model, load_model
from verl_visual_rft.planning.outputs import check_outputs
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
    """Refuse to ask a model that is none, or cannot be fetched, or on more GPUs (on a CPU, ranks) than there are.

    Raises:
        UserError: The message names what does not fit, and the remedy.
    """
    load_model(model)
    check_weights(model)
    check_devices(device, gpus)


_REASONSEG_LAYOUT = "  train/  val/  test/     NAME.jpg and NAME.json each (the folder ReasonSeg of LISA's data)"


def check_data_root(data_set: str, root: Path) -> None:
    """Refuse a folder that is not in the original layout of a data set.

    Raises:
        UserError: The folder is missing, or the data set's files are not in it; the message shows the layout.
    """
    if data_set not in DATA_SETS:
        raise UserError(f"data set {data_set} is none of {', '.join(DATA_SETS)}")
    if not root.is_dir():
        raise UserError(f"DATA_ROOT {root}: no such folder; set DATA_ROOT to the original {data_set} data")
    try:
        DATA_SETS[data_set](root)
    except UserError as error:
        raise UserError(f"DATA_ROOT is not the original {data_set} data: {error}") from error


def _fgvc_aircraft(root: Path) -> None:
    inner = [root / folder for folder in ("fgvc-aircraft-2013b/data", "data") if (root / folder).is_dir()]
    require((inner or [root])[0], ["images/", "variants.txt"], fgvc_aircraft.LAYOUT)


#: Data set, as its script in data_prep/ is called -> what raises a `UserError` for a folder that is not it.
DATA_SETS: Mapping[str, Callable[[Path], object]] = {
    "coco": find_layout,
    "lvis": lambda root: find_annotations(root, "val"),  # open vocabulary needs no more
    "mg": find_layout,
    "flowers102": lambda root: require(root, ["jpg/", "imagelabels.mat"], flowers102.LAYOUT),
    "pets37": lambda root: require(root, ["images/"], pets37.LAYOUT),
    "fgvc_aircraft": _fgvc_aircraft,
    "cars196": lambda root: require(root, ["cars_train/", "cars_test/"], cars196.LAYOUT),
    "lisa": lambda root: require(root, ["train/", "val/", "test/"], _REASONSEG_LAYOUT),
}
