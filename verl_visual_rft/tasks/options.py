# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What components accept as options."""

from __future__ import annotations

import math
from typing import Any

from verl_visual_rft.errors import UserError


def iou_threshold(component: str, value: Any) -> float:
    """Return an option that is the smallest IoU of a match.

    Raises:
        UserError: It is not a number in (0, 1].
    """
    if type(value) in (int, float) and 0 < value <= 1:
        return float(value)
    raise UserError(f"option 'threshold' of component {component!r} is {value!r}; give a number above 0 and at most 1")


def positive_number(component: str, option: str, value: Any) -> float:
    """Return an option that is a finite number above 0.

    Raises:
        UserError: It is not.
    """
    if type(value) in (int, float) and 0 < value < math.inf:
        return float(value)
    raise UserError(f"option {option!r} of component {component!r} is {value!r}; give a number above 0")


def positive_integer(component: str, option: str, value: Any) -> int:
    """Return an option that is a whole number from 1 on.

    Raises:
        UserError: It is not.
    """
    if type(value) is int and value >= 1:
        return value
    raise UserError(f"option {option!r} of component {component!r} is {value!r}; give a whole number from 1 on")
