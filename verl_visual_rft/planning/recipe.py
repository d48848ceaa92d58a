# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is planned: a recipe with its variables set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """A recipe with its variables set.

    Attributes:
        facts: What it says about itself: name, title, paper, method, model, steps, ...
        training: The command that trains.
    """

    facts: Mapping[str, Any]
    training: Sequence[str]
