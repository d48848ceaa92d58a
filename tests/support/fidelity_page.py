# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""docs/fidelity.md as data: what it says that the configuration is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"
_TOP_LEVEL = ("algorithm", "data", "trainer", "visual_rft")


def stated(heading: str) -> dict[str, tuple[Any, ...]]:
    """Return the values that the table below a heading allows for each key."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    values = {}
    for row in _rows(section):
        key = row["key"].strip("`")
        key = key if key.split(".")[0] in _TOP_LEVEL else f"actor_rollout_ref.{key}"
        assert key not in values, f"the page states {key} twice"
        values[key] = tuple(yaml.safe_load(value.strip("`")) for value in row["ours"].split(" or "))
    return values


def differences(config: Any, recipe: bool = False) -> list[str]:
    """Say where a resolved GRPO configuration is not what the page says; empty: nowhere.

    Args:
        config: An omegaconf node.
        recipe: It is a recipe's, to which the page's second table applies too.
    """
    allowed = stated("The configuration") | (stated("What a recipe sets") if recipe else {})
    found = []
    for key, values in allowed.items():
        value = OmegaConf.select(config, key)
        value = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
        if not any(value == stated_value and type(value) is type(stated_value) for stated_value in values):
            found.append(f"{key} is {value!r}, docs/fidelity.md says {' or '.join(map(repr, values))}")
    return found


def _rows(section: str) -> Iterator[dict[str, str]]:
    lines = [line for line in section.splitlines() if line.startswith("|")]
    header, _, *body = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    for cells in body:
        assert len(cells) == len(header), cells
        yield dict(zip(header, cells, strict=True))
