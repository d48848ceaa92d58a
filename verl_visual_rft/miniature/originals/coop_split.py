# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""CoOp's split file of a classification set: ``split_zhou_<Dataset>.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

#: ``(path, 0-based label, class name)``
Item = tuple[str, int, str]


def write_coop_split(path: Path, train: Sequence[Item], val: Sequence[Item], test: Sequence[Item]) -> None:
    """Write the file with its three lists, in the order given."""
    path.write_text(json.dumps({"train": train, "val": val, "test": test}), encoding="utf-8")
