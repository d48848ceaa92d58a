# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rewards by name: ours, their components, and those that installed packages declare as entry points."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from verl_visual_rft.errors import UserError, guess
from verl_visual_rft.packages import OUR_PACKAGE, declared, loading, sole_claim, unusable
from verl_visual_rft.rewards.brought import Brought, brought_components, brought_rewards
from verl_visual_rft.rewards.composition import Part, compose, is_yaml, read_composition
from verl_visual_rft.rewards.reward import Reward, make_reward

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

#: Entry-point group in which a package names its rewards: ``name = "module:function_or_class"``.
GROUP = "verl_visual_rft.rewards"

# Also declared in pyproject.toml; kept here so that a checkout on the path works without being installed.
_OURS = {
    "paper": "verl_visual_rft.rewards.brought:PaperReward",
    "reference": "verl_visual_rft.rewards.brought:ReferenceReward",
    "robust": "verl_visual_rft.rewards.brought:RobustReward",
    "robust-1": "verl_visual_rft.rewards.brought:Robust1Reward",
}
#: What tasks bring is found by its name.
_BROUGHT = "verl_visual_rft.rewards.brought:Brought"
#: Components that any task has: they look at how a response is written.
_FORM = {
    "format": "verl_visual_rft.tasks.form:Format",
    "thinking_length": "verl_visual_rft.tasks.form:ThinkingLength",
    "repetition": "verl_visual_rft.tasks.form:Repetition",
}


def reward_names() -> list[str]:
    """Return the names of all named rewards, ours and those of installed packages, sorted."""
    components = component_names()
    return sorted(name for name in _discover() if name not in components)


@cache
def component_names() -> frozenset[str]:
    """Return the names of what rewards are composed of."""
    return frozenset(_FORM) | brought_components()


def reward_packages(name: str) -> list[str]:
    """Return the packages that declare a reward or component: one, or those that claim the same name.

    Raises:
        UserError: The name is unknown.
    """
    return [package for package, _ in _claims(name)]


def unusable_rewards() -> dict[str, str]:
    """Try every reward and component; return why the unusable ones are."""
    return unusable(sorted(_discover()), load_reward)


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
    package, entry_point = sole_claim("reward", name, _claims(name))
    origin = f"reward {name!r} ({entry_point.value} of package {package})"
    arguments = json.loads(options)
    with loading(origin):
        loaded = entry_point.load()
        if loaded is Brought:
            loaded = loaded(name, **arguments)
        elif isinstance(loaded, type):
            loaded = loaded(**arguments)
    if arguments and inspect.isroutine(loaded):
        raise UserError(f"{origin} is a function and takes no options, but was given {', '.join(arguments)}")
    trusted = package == OUR_PACKAGE
    return make_reward(name, loaded, origin, trusted)


def _claims(name: str) -> list[tuple[str, EntryPoint]]:
    known = _discover()
    if name not in known:
        if near := guess(name, known):
            raise UserError(
                f"unknown reward {name!r}{near}; `visual-rft reward list` has all, --components their parts"
            )
        raise UserError(
            f"unknown reward {name!r}: use one of {', '.join(reward_names())}, "
            f"or components with weights as in 'iou=1,format=0.5': {', '.join(sorted(component_names()))}"
        )
    return known[name]


@cache
def _discover() -> dict[str, list[tuple[str, EntryPoint]]]:
    brought = dict.fromkeys(brought_components() | brought_rewards(), _BROUGHT)
    return declared(GROUP, brought | _FORM | _OURS)
