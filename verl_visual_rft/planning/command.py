# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A training command, and the configuration that its trainer will see."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from verl_visual_rft.errors import UserError

#: veRL's trainers -> the configuration that each starts from.
TRAINERS = {"verl.trainer.main_ppo": "ppo_trainer", "verl.trainer.sft_trainer": "sft_trainer_engine"}
_VERL_CONFIG = "pkg://verl.trainer.config"
_FLAGS = {"--config-path": "path", "-cp": "path", "--config-name": "name", "-cn": "name"}


@dataclass(frozen=True)
class TrainingCommand:
    """What a command line says to a trainer of veRL."""

    trainer: str  #: A key of `TRAINERS`.
    config_path: str  #: Where the configuration lies: a folder, or ``pkg://`` and a package.
    config_name: str  #: Its name.
    overrides: tuple[str, ...]  #: Hydra's ``key=value``.
    ranks: int | None  #: ``--nproc_per_node`` of torchrun; None where the configuration says it.


def parse_command(command: Sequence[str]) -> TrainingCommand:
    """Read a command line that starts veRL's GRPO or SFT trainer, whatever stands before the trainer's name.

    Raises:
        UserError: It starts no trainer of veRL, or has an argument that is no override.

    Example:
        >>> line = "torchrun --nproc_per_node=2 -m verl.trainer.sft_trainer --config-name visual_sft optim.lr=1e-5"
        >>> parse_command(line.split()).ranks
        2
    """
    position = next((i for i, word in enumerate(command) if word in TRAINERS), None)
    if position is None:
        raise UserError(f"the command starts none of {', '.join(TRAINERS)}: {' '.join(command) or '(empty)'}")
    trainer = command[position]
    said = {"path": _VERL_CONFIG, "name": TRAINERS[trainer]}
    overrides = []
    words = iter(command[position + 1 :])
    for word in words:
        flag, has_value, value = word.partition("=")
        if flag in _FLAGS:
            said[_FLAGS[flag]] = value if has_value else next(words, "")
        elif word.startswith("-"):
            raise UserError(
                f"{word} is no setting: a setting of veRL is key=value, for example data.train_batch_size=16"
            )
        else:
            overrides.append(word)
    return TrainingCommand(trainer, said["path"], said["name"], tuple(overrides), _ranks(command[:position]))


def compose(command: TrainingCommand) -> dict[str, Any]:
    """Return the configuration that the trainer will see, all references resolved.

    veRL itself is not imported: its configuration files are read where they lie.

    Raises:
        UserError: veRL is not installed, or Hydra refuses an override; the message is Hydra's.
    """
    try:
        from hydra import compose as hydra_compose
        from hydra import initialize_config_dir
        from hydra.errors import HydraException
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        import verl_visual_rft.training.config  # noqa: F401  # what its files compute with
    except ImportError as error:
        raise UserError(f"no training without veRL ({error}); install it with scripts/setup.sh") from error
    folder = _folder(command.config_path)
    overrides = [f"hydra.searchpath=[file://{_folder(_VERL_CONFIG)}]", *command.overrides]
    try:
        with initialize_config_dir(str(folder), version_base=None):
            config = hydra_compose(command.config_name, overrides=overrides)
        resolved = OmegaConf.to_container(config, resolve=True)
    except (HydraException, OmegaConfBaseException, ValueError) as error:  # the last: data=null
        raise UserError(f"setting refused: {_one_line(error)}") from error
    composed = cast(dict[str, Any], resolved)
    if command.ranks is not None:  # torchrun's; the SFT trainer does not read its own key
        composed["trainer"]["n_gpus_per_node"] = command.ranks
    return composed


def _ranks(before: Sequence[str]) -> int | None:
    """Return torchrun's processes a node."""
    for position, word in enumerate(before):
        flag, has_value, value = word.replace("nproc-per-node", "nproc_per_node").partition("=")
        if flag == "--nproc_per_node":
            number = value if has_value else before[position + 1]
            if not number.isdigit():
                raise UserError(f"--nproc_per_node {number}: give a number of GPUs")
            return int(number)
    return None


def _folder(path: str) -> Path:
    """Return a folder of configurations; a package is found without importing what it lies in."""
    package = path.removeprefix("pkg://")
    if package == path:
        folder = Path(path).resolve()
    else:
        top, *rest = package.split(".")
        spec = importlib.util.find_spec(top)
        if spec is None or not spec.submodule_search_locations:
            raise UserError(f"package {top} is not installed; install it with scripts/setup.sh")
        folder = Path(spec.submodule_search_locations[0]).joinpath(*rest)
    if not folder.is_dir():
        raise UserError(f"{path} is no folder of configurations")
    return folder


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "; ".join(lines) or type(error).__name__
