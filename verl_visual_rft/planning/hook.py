# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What happens before a training of this package starts, however it is started: its configurations name it to Hydra."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import OmegaConf, open_dict

from verl_visual_rft.errors import UserError
from verl_visual_rft.launching.cluster import forward_environment
from verl_visual_rft.launching.loopback import stay_on_loopback
from verl_visual_rft.planning.check import checked
from verl_visual_rft.planning.inputs import check_prepared
from verl_visual_rft.planning.rows import check_rewarded, check_rows
from verl_visual_rft.terminal import say
from verl_visual_rft.training.monitoring.metrics_file import spare_metrics
from verl_visual_rft.training.run_mark import PLUGIN_MARK, is_ours
from verl_visual_rft.training.scoring.custom_function import custom_function


class BeforeTraining(Callback):
    """Hydra's callback around ``main`` of veRL's trainers, in the process that is started: before Ray, models and data.

    It is ``hydra.callbacks`` of ``visual_rft.yaml`` and ``visual_sft.yaml``: other runs of veRL do not have it.
    """

    def on_run_start(self, config: Any, **_: Any) -> None:
        """Complete the configuration that veRL's ``main`` will get, and the environment of its workers."""
        _or_exit(_check_plugin, config)
        _or_exit(spare_metrics, config)
        _or_exit(stay_on_loopback, config)
        _or_exit(forward_environment, config)
        _or_exit(_without_validation, config)

    def on_job_start(self, config: Any, **_: Any) -> None:
        """Refuse a run that cannot work."""
        _or_exit(_check, config)


def _or_exit(function: Any, config: Any) -> None:
    """Call ``function``; Hydra makes warnings of what callbacks raise, but for an exit."""
    try:
        function(config)
    except Exception as error:
        # Of a UserError the line alone says it all; the launcher looks for a line of this form.
        traceback.print_exception(type(error), error, None if isinstance(error, UserError) else error.__traceback__)
        sys.exit(1)


def _check_plugin(_: Any) -> None:
    plugin = sys.modules.get("verl_visual_rft.plugin")
    if plugin is None:
        raise UserError("veRL has not loaded this package's plug-in; `visual-rft doctor` says why")
    if not plugin.REGISTERED or not is_ours():
        raise UserError(
            "veRL was imported before this run could be known as one of this package; start it with "
            f"--config-path pkg://verl_visual_rft.training.config, or export {PLUGIN_MARK}=1"
        )


def _without_validation(config: Any) -> None:
    """Let GRPO train where nothing is to be validated on: veRL opens a validation set whether it is used or not."""
    if "algorithm" not in config or config.data.val_files:
        return
    say("visual-rft: no data.val_files: the run is not validated")
    with open_dict(config):
        config.data.val_files, config.data.val_max_samples = config.data.train_files, 1
        config.trainer.test_freq, config.trainer.val_before_train = -1, False


def _check(config: Any) -> None:
    resolved = _resolved(config)
    settings, model = checked(resolved)
    for folder in settings.data_folders:
        check_prepared(folder, model)
    check_rows(settings)
    if "algorithm" in resolved and not custom_function(resolved):
        check_rewarded((*settings.train_files, *settings.val_files), resolved["visual_rft"]["reward"])


def _resolved(config: Any) -> dict[str, Any]:
    ours = OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])
    resolved: Any = OmegaConf.to_container(ours, resolve=True)
    if "actor_rollout_ref" not in resolved and "LOCAL_WORLD_SIZE" in os.environ:  # of torchrun
        ranks = int(os.environ["LOCAL_WORLD_SIZE"])
        resolved["trainer"] |= {"n_gpus_per_node": ranks, "nnodes": int(os.environ["WORLD_SIZE"]) // ranks}
    return dict(resolved)
