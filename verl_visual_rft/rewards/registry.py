# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Named rewards: ours, and those that installed packages declare as entry points."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, cast

from verl_visual_rft.answers import DetectionAnswer
from verl_visual_rft.boxes import Box
from verl_visual_rft.errors import UserError

#: Entry-point group in which a package names its rewards: ``name = "module:Class"``.
GROUP = "verl_visual_rft.rewards"

_OUR_PACKAGE = "verl-visual-rft"
# Also declared in pyproject.toml; kept here so that a checkout on the path works without being installed.
_OURS = {
    "paper": "verl_visual_rft.rewards.paper:PaperReward",
    "robust": "verl_visual_rft.rewards.robust:RobustReward",
}


class Reward(Protocol):
    """What a named reward is: a class that is made without arguments, or an object.

    Attributes:
        range: Smallest and largest total that any response can get.
    """

    range: tuple[float, float]

    def detection(self, answer: DetectionAnswer, truths: Sequence[Box]) -> dict[str, float]:
        """Score a parsed answer against the boxes that are there: "score", its components and "n_matched"."""


def reward_names() -> list[str]:
    """Return the names of all rewards that can be loaded, sorted."""
    return sorted(_discover())


@cache
def load_reward(name: str) -> Reward:
    """Load a named reward, once in a process.

    Raises:
        UserError: The name is unknown, two packages claim it, or what it names cannot be loaded or is no reward.
    """
    known = _discover()
    if name not in known:
        raise UserError(f"unknown reward {name!r}: use one of {', '.join(sorted(known))}")
    package, entry_point = known[name]
    origin = f"reward {name!r} ({entry_point.value} of package {package})"
    try:
        loaded = entry_point.load()
        reward = loaded() if isinstance(loaded, type) else loaded
    except Exception as error:  # a plug-in may raise anything while it loads
        raise UserError(f"{origin} cannot be loaded: {type(error).__name__}: {error}") from error
    missing = [attribute for attribute in ("range", "detection") if not hasattr(reward, attribute)]
    if missing:
        raise UserError(f"{origin} is no reward: it lacks {' and '.join(missing)} (see verl_visual_rft.rewards.Reward)")
    return cast(Reward, reward)


@cache
def _discover() -> dict[str, tuple[str, EntryPoint]]:
    """Map each name to the package that declares it and its entry point, without importing what it names."""
    found = {name: (_OUR_PACKAGE, EntryPoint(name, value, GROUP)) for name, value in _OURS.items()}
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
