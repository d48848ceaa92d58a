# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A run on the nodes of a running Ray cluster (``cluster=running``): its environment there, and the watch over them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from verl_visual_rft.errors import UserError

#: The override by which a training command asks for the running cluster (training/config/cluster/).
RUNNING = "cluster=running"
#: What `verl_visual_rft.launching.nodes` prints when the run may start, and its exit status when a node was lost.
READY, LOST = "ready", 3
#: Where loggers and Hydra write, within the run's folder; else into the working folder. wandb makes a folder wandb/
#: itself; that of Hydra is the package's own variable, read by its configurations.
LOG_FOLDERS = {
    "TENSORBOARD_DIR": "tensorboard",
    "WANDB_DIR": "",
    "SWANLAB_LOG_DIR": "swanlab",
    "VISUAL_RFT_HYDRA_DIR": "hydra",
}
#: What is said of a run on such a cluster.
UNPROTECTED = (
    "ports of this run listen on the nodes' addresses, and Ray's token does not protect them all: who reaches them can "
    "run code here; docs/cluster.md"
)
#: Beginnings of the variables of the training command that its workers get on every node.
FORWARDED = ("VERL_", "VISUAL_RFT_", "OMP_", "VLLM_CPU_", "HF_HUB_OFFLINE", "SPT_NOENV", *LOG_FOLDERS)
#: Of these veRL forwards as its configuration sets them.
_FORWARDED_BY_VERL = ("VERL_FULL_DETERMINISM", "VERL_RL_INSIGHT_ENABLE")
_END_WITHIN = 150.0  # seconds for ending the run's processes on all nodes


def forward_environment(config: Any) -> None:
    """Have Ray give the workers of a run the settings of its command, on every node.

    A worker of a running cluster has the environment of its node's ``ray start``, and veRL forwards none of ``VERL_*``
    (verl 0.9.1 ``trainer/constants_ppo.py:105``): no platform "cpu" there, metrics not where the launcher reads them.
    Secrets are not forwarded: Ray shows this environment to everyone.

    Args:
        config: Of a trainer that is about to start; ``ray_kwargs.ray_init.runtime_env.env_vars`` is completed, and
            what it has already stays. The SFT trainer has no Ray.
    """
    from omegaconf import OmegaConf, open_dict

    if "ray_kwargs" not in config:
        return
    forwarded = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(FORWARDED) and name not in _FORWARDED_BY_VERL
    }
    with open_dict(config.ray_kwargs.ray_init):
        runtime_env = config.ray_kwargs.ray_init.setdefault("runtime_env", {})
        runtime_env.env_vars = OmegaConf.merge(forwarded, runtime_env.get("env_vars") or {})


def uses_running_cluster(command: Sequence[str]) -> bool:
    """Whether a training command runs on a cluster that is there already.

    Example:
        >>> uses_running_cluster(["python", "-m", "verl.trainer.main_ppo", "cluster=running"])
        True
    """
    return RUNNING in command


def with_token(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment``, bringing Ray's token where there is one.

    From version 2.59 on the head asks for a token as soon as its user has one, but those who connect only bring it when
    ``RAY_AUTH_MODE`` says so ("InvalidAuthToken"; ray 2.60 ``_private/authentication/authentication_token_setup.py``).
    """
    file = Path(environment.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray" / "auth_token"))
    if "RAY_AUTH_MODE" not in environment and ("RAY_AUTH_TOKEN" in environment or file.exists()):
        return dict(environment) | {"RAY_AUTH_MODE": "token"}
    return dict(environment)


class NodeWatch:
    """The process that watches over a run's nodes, `verl_visual_rft.launching.nodes`, as the launcher sees it."""

    def __init__(self, run: Path, log: IO[bytes]) -> None:
        """Start the watch over the run in folder ``run``; returns when every node is ready for it.

        Raises:
            UserError: No cluster answers, or a node cannot take part.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-m", "verl_visual_rft.launching.nodes", str(run)],
            stdin=subprocess.PIPE,  # closes with us, however we end: the watch then ends the run's processes
            stdout=subprocess.PIPE,
            stderr=log,
            env=with_token(os.environ),
            start_new_session=True,
            text=True,
        )
        said = self._read()
        if said != READY:
            self._process.communicate()
            raise UserError(said or f"the watch over the Ray cluster failed, see {run / 'log.txt'}")

    @property
    def has_lost_one(self) -> bool:
        """Whether the watch has ended with a node."""
        return self._process.poll() is not None

    def end(self) -> str:
        """End the run's processes on all nodes; return what was lost of the cluster, or an empty string."""
        try:
            said, _ = self._process.communicate(timeout=_END_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.returncode == 0:
            return ""
        return said.strip() if self._process.returncode == LOST else "the Ray cluster does not answer any more"

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
