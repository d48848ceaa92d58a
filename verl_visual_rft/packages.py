# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which installed package an entry point is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

OUR_PACKAGE = "verl-visual-rft"


def package_of(entry_point: EntryPoint) -> str:
    """Return the name of a package; "unknown" of a broken installation, which has entry points and no name."""
    dist = entry_point.dist
    if dist is None or not (dist.read_text("METADATA") or dist.read_text("PKG-INFO")):
        return "unknown"
    return dist.name.replace("_", "-")
