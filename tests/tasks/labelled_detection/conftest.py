# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Answers about several categories, as responses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

CUP, PEN = [100, 100, 300, 300], [600, 600, 800, 800]


def _respond(*objects: tuple[Any, str] | tuple[Any, str, Any]) -> str:
    names = ("bbox_2d", "label", "confidence")
    listed = [dict(zip(names, given, strict=False)) for given in objects]
    return f"<think> a cup, I think </think> <answer>{json.dumps(listed) if listed else 'No Objects'}</answer>"


@pytest.fixture(scope="session")
def respond() -> Callable[..., str]:
    """Write boxes, labels and perhaps confidences as a whole response; none as "No Objects"."""
    return _respond


@pytest.fixture(scope="session")
def truth() -> dict[str, Any]:
    """A cup and a pen; no fork."""
    objects = [{"bbox_2d": CUP, "label": "cup"}, {"bbox_2d": PEN, "label": "pen"}]
    return {"categories": ["cup", "pen", "fork"], "objects": objects}
