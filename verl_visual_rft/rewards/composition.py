# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rewards composed of others by weight: ``iou=1,confidence=0.5,format=1``."""

from __future__ import annotations

import math
import reprlib
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from verl_visual_rft.errors import PackageMissingError, UserError
from verl_visual_rft.input_files import read_text
from verl_visual_rft.rewards.reward import PartReport, Reward, Scorer
from verl_visual_rft.tasks import Sample, task_names

_REMEDY = "write 'iou=1,format=0.5', or in YAML 'iou: 1' or 'iou: {weight: 1, threshold: 0.7}'"
_MOST_WEIGHT = 1e9  # and least: the sum of many is still finite


class Part(NamedTuple):
    """One line of a composition.

    Attributes:
        name: Of a component, or of any named reward.
        weight: In the total; 0 = computed and logged only.
        options: Arguments of the component's constructor.
    """

    name: str
    weight: float
    options: dict[str, Any]


def read_composition(composition: str | Mapping[str, Any]) -> list[Part]:
    """Read a composition.

    Args:
        composition: ``"name=weight,..."``; the path of a YAML file; or a mapping of names to weights, where
            ``{"weight": w, ...}`` in place of a weight gives a component options.

    Raises:
        UserError: It cannot be read, is empty, or a weight is no number up to `_MOST_WEIGHT`.

    Example:
        >>> read_composition("iou=1,format=0.5")
        [Part(name='iou', weight=1.0, options={}), Part(name='format', weight=0.5, options={})]
    """
    if isinstance(composition, Mapping):
        source, pairs = "the composed reward", list(composition.items())
    elif not is_yaml(composition):
        source = f"reward {composition!r}"
        pairs = [_split(item, source) for item in composition.split(",") if item.strip()]
    else:
        source, pairs = f"reward file {composition}", list(_read_yaml(composition).items())
    parts = [_part(name, value, source) for name, value in pairs]
    names = [part.name for part in parts]
    if not parts or len(set(names)) < len(names):
        raise UserError(f"{source} {'names a component twice' if parts else 'has no components'}; {_REMEDY}")
    return parts


def is_yaml(reward: str) -> bool:
    """Whether a reward is named by the path of a YAML file."""
    return reward.endswith((".yaml", ".yml"))


def compose(weighted: Sequence[tuple[float, Reward]]) -> Reward:
    """Return the reward ``score = sum_k weight_k * score_k``, each part's score under the part's name.

    On a row of a task only the parts that know it count. A task of which only parts that look at how a response is
    written know is not scored: any answer would earn the same. What a part reports besides its score is kept as
    ``<part>.<component>``.

    Args:
        weighted: Weights and rewards, their names all different.
    """
    by_task = {
        task: [(weight, reward) for weight, reward in weighted if task in reward.scorers] for task in task_names()
    }
    form_only = not _judges(weighted)
    by_task = {task: parts for task, parts in by_task.items() if parts and (form_only or _judges(parts))}
    name = ",".join(f"{reward.name}={weight:g}" for weight, reward in weighted)
    return Reward(
        name=name,
        summary="; ".join(f"{weight:g} x {reward.summary}" for weight, reward in weighted),
        guarded=frozenset().union(*(reward.guarded for _, reward in weighted)),
        scorers={task: _sum(parts, task) for task, parts in by_task.items()},
        ranges={
            task: _range(parts, task)
            for task, parts in by_task.items()
            if all(task in reward.ranges for _, reward in parts)
        },
        weights={task: {reward.name: weight for weight, reward in parts} for task, parts in by_task.items()},
        documents={
            task: "\n".join(f"- ``{reward.name}``: {_indented(reward.documents[task])}" for _, reward in parts)
            for task, parts in by_task.items()
        },
        thresholds={part: threshold for _, reward in weighted for part, threshold in reward.thresholds.items()},
        form_only=form_only,
        follows_tau=any(reward.follows_tau for _, reward in weighted),
    )


def _judges(parts: Sequence[tuple[float, Reward]]) -> bool:
    """Whether what an answer says changes the sum of the parts."""
    return any(weight and not reward.form_only for weight, reward in parts)


def _sum(parts: Sequence[tuple[float, Reward]], task: str) -> Scorer:
    scorers = [(weight, reward.name, reward.scorers[task]) for weight, reward in parts]

    def scorer(sample: Sample, report: PartReport | None) -> dict[str, float]:
        result = {"score": 0.0}
        for weight, name, score in scorers:
            components = score(sample, report)
            result[name] = components.pop("score")
            result["score"] += weight * result[name]
            result.update({f"{name}.{component}": value for component, value in components.items()})
        return result

    return scorer


def _range(parts: Sequence[tuple[float, Reward]], task: str) -> tuple[float, float]:
    bounds = [sorted(weight * bound for bound in reward.ranges[task]) for weight, reward in parts]
    return sum(low for low, _ in bounds), sum(high for _, high in bounds)


def _indented(document: str) -> str:
    """Indent all lines but the first, so that the bullets of a part are not taken for those of the whole."""
    return textwrap.indent(document, "  ").lstrip()


def _split(item: str, source: str) -> tuple[str, str]:
    name, equals, weight = item.partition("=")
    if not equals or not name.strip():
        raise UserError(f"{source}: cannot read {item.strip()!r}; {_REMEDY}")
    return name.strip(), weight


def _part(name: Any, value: Any, source: str) -> Part:
    options = dict(value) if isinstance(value, Mapping) else {"weight": value}
    if not isinstance(name, str) or "weight" not in options:
        raise UserError(f"{source}: {name!r} has no weight; {_REMEDY}")
    given = options.pop("weight")
    try:
        weight = float(given)
    except (TypeError, ValueError, OverflowError):
        weight = math.nan
    if isinstance(given, bool) or not abs(weight) <= _MOST_WEIGHT:  # NaN neither
        raise UserError(
            f"{source}: the weight {reprlib.repr(given)} of {name!r} is no number up to {_MOST_WEIGHT:g}; {_REMEDY}"
        )
    return Part(name, weight, options)


def _read_yaml(path: str) -> Mapping[str, Any]:
    from pathlib import Path  # only who composes in a file pays for these

    try:
        import yaml
    except ImportError as error:
        raise PackageMissingError(f"the reward file {path} needs pyyaml ({error}): pip install pyyaml") from error
    try:
        content = yaml.safe_load(read_text(Path(path), _REMEDY))
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise UserError(f"cannot read the reward file {path}: {error}; {_REMEDY}") from error
    if not isinstance(content, Mapping):
        raise UserError(f"the reward file {path} does not map names to weights; {_REMEDY}")
    return content
