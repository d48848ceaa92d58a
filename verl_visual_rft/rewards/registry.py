# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rewards by name: ours, their components, and those that installed packages declare as entry points."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards.components import COMPONENTS
from verl_visual_rft.rewards.composition import Part, compose, is_yaml, read_composition
from verl_visual_rft.rewards.reward import Reward, make_reward

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

#: Entry-point group in which a package names its rewards: ``name = "module:function_or_class"``.
GROUP = "verl_visual_rft.rewards"

_OUR_PACKAGE = "verl-visual-rft"
# Also declared in pyproject.toml; kept here so that a checkout on the path works without being installed.
_OURS = {
    "paper": "verl_visual_rft.rewards.paper:PaperReward",
    "reference": "verl_visual_rft.rewards.reference:ReferenceReward",
    "robust": "verl_visual_rft.rewards.robust:RobustReward",
}


def reward_names() -> list[str]:
    """Return the names of all named rewards, ours and those of installed packages, sorted."""
    return sorted(name for name in _discover() if name not in COMPONENTS)


def reward_package(name: str) -> str:
    """Return the package that declares a reward or component.

    Raises:
        UserError: The name is unknown.
    """
    return _find(name)[0]


def load_reward(reward: str | Mapping[str, Any]) -> Reward:
    """Load a reward, once in a process.

    Args:
        reward: A name (`reward_names`, or a component), components with weights ``"iou=1,format=0.5"``, the path of a
            YAML file that maps names to weights, or that mapping itself (see `read_composition`).

    Raises:
        UserError: The name is unknown, two packages claim it, what it names cannot be loaded or is no reward, or the
            composition cannot be read.
    """
    if isinstance(reward, str) and "=" not in reward and not is_yaml(reward):
        return _load(reward, "{}")
    parts = [part._asdict() for part in read_composition(reward)]
    try:
        return _compose(json.dumps(parts))
    except TypeError as error:
        raise UserError(f"an option of the composed reward is neither number, text nor list: {error}") from error


@cache
def _compose(parts: str) -> Reward:
    weighted = [Part(**part) for part in json.loads(parts)]
    return compose([(part.weight, _load(part.name, json.dumps(part.options))) for part in weighted])


@cache
def _load(name: str, options: str) -> Reward:
    package, entry_point = _find(name)
    origin = f"reward {name!r} ({entry_point.value} of package {package})"
    arguments = json.loads(options)
    try:
        loaded = entry_point.load()
        if isinstance(loaded, type):
            loaded = loaded(**arguments)
    except UserError:
        raise
    except Exception as error:  # a plug-in may raise anything while it loads
        raise UserError(f"{origin} cannot be loaded: {type(error).__name__}: {error}") from error
    if arguments and inspect.isroutine(loaded):
        raise UserError(f"{origin} is a function and takes no options, but was given {', '.join(arguments)}")
    trusted = package == _OUR_PACKAGE and getattr(loaded, "trusted", True)
    return make_reward(name, loaded, origin, trusted)


def _find(name: str) -> tuple[str, EntryPoint]:
    known = _discover()
    if name not in known:
        raise UserError(
            f"unknown reward {name!r}: use one of {', '.join(reward_names())}, "
            f"or components with weights as in 'iou=1,format=0.5': {', '.join(sorted(COMPONENTS))}"
        )
    return known[name]


@cache
def _discover() -> dict[str, tuple[str, EntryPoint]]:
    """Map each name to the package that declares it and its entry point, without importing what it names."""
    from importlib.metadata import EntryPoint, entry_points  # half of the time that importing the rewards would take

    ours = COMPONENTS | _OURS
    found = {name: (_OUR_PACKAGE, EntryPoint(name, value, GROUP)) for name, value in ours.items()}
    for entry_point in entry_points(group=GROUP):
        package = entry_point.dist.name.replace("_", "-") if entry_point.dist else "unknown"
        if package == _OUR_PACKAGE and entry_point.name in _OURS:
            continue
        if entry_point.name in found:
            raise UserError(
                f"two packages name a reward {entry_point.name!r}: {found[entry_point.name][0]} and {package}; "
                "rename one of them or uninstall a package"
            )
        found[entry_point.name] = (package, entry_point)
    return found
