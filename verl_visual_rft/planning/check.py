# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
r"""Refuse a run that cannot work, before anything starts; recipes call this first.

    python -m verl_visual_rft.planning.check --data-set coco --data-root COCO --think on -- COMMAND...

COMMAND is the command that trains. Its configuration says the model, the GPUs, the batches, the prepared data and the
checkpoints. Without training: ``--model MODEL --device cpu --ngpus 1``. A refusal is one line and exit status 2.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from verl_visual_rft.datasets.arguments import run
from verl_visual_rft.planning import refusals
from verl_visual_rft.planning.command import compose, parse_command
from verl_visual_rft.planning.data_roots import DATA_SETS, check_data_root
from verl_visual_rft.planning.inputs import check_checkpoints, check_devices, check_prepared, check_weights
from verl_visual_rft.planning.models import load_model
from verl_visual_rft.planning.outputs import check_outputs
from verl_visual_rft.planning.settings import settings_of
from verl_visual_rft.training.algorithms.checks import check_algorithm
from verl_visual_rft.training.scoring.custom_function import check_loads, custom_function


def main() -> None:
    """Parse the command line and check."""
    parser = argparse.ArgumentParser(
        prog="python -m verl_visual_rft.planning.check",
        description="Refuse a run that cannot work, before anything starts.",
    )
    parser.add_argument("--data-set", choices=tuple(DATA_SETS), help="what --data-root shall be")
    parser.add_argument("--data-root", type=Path, metavar="DIR", help="folder of the original data set")
    parser.add_argument("--think", choices=("on", "off"), help="what the prepared prompts shall ask for")
    parser.add_argument("--model", help="the model, of a run that does not train")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="of a run that does not train")
    parser.add_argument("--ngpus", type=int, default=1, metavar="N", help="of a run that does not train")
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="-- the command that trains")
    options = parser.parse_args()
    if bool(options.command) == (options.model is not None):
        parser.error("give --model, or -- and the command that trains")
    if options.data_root is not None and options.data_set is not None:
        check_data_root(options.data_set, options.data_root)
    if options.command:
        check_training(options.command, None if options.think is None else options.think == "on")
        check_outputs(options.command, compose(parse_command(options.command)))
    else:
        load_model(options.model)
        check_weights(options.model)
        check_devices(options.device, options.ngpus)


def check_training(command: Sequence[str], think: bool | None = None) -> None:
    """Refuse a training command that cannot work.

    Args:
        command: The command line.
        think: Whether prepared prompts shall ask for a thinking process; None: either will do.

    Raises:
        UserError: The model, the settings, the machine, the prepared data or the checkpoints do not fit.
    """
    config = compose(parse_command(command))
    if "algorithm" in config:
        check_algorithm(config)
        if function := custom_function(config):
            check_loads(function)
    settings = settings_of(config)
    model = load_model(settings.model)
    check_weights(settings.model)
    refusals.check(settings, model)
    check_devices(settings.device, settings.ranks_per_node, settings.nodes)
    for folder in settings.data_folders:
        check_prepared(folder, model, think)
    check_checkpoints(settings, model)


if __name__ == "__main__":
    sys.exit(run(main))
