# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A metrics file for each start of a run: veRL's ``file`` logger empties the one that it is given."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import Any

_PATH, _ROOT = "VERL_FILE_LOGGER_PATH", "VERL_FILE_LOGGER_ROOT"


def spare_metrics(config: Any) -> None:
    """Let the ``file`` logger of this process and its workers write a new file where the one that it would take exists.

    ``rft.jsonl`` is followed by ``rft.2.jsonl``, and so on. The launcher gives each start a new file itself.
    verl 0.9.1 ``utils/tracking.py:541`` opens its file with ``"wb"``: a resume would leave the steps since then alone.

    Args:
        config: Of a trainer that is about to start.
    """
    trainer = config["trainer"]
    if "file" not in trainer["logger"]:
        return
    usual = (
        Path(os.environ.get(_ROOT, ".")).expanduser() / trainer["project_name"] / f"{trainer['experiment_name']}.jsonl"
    )
    file = Path(os.environ.get(_PATH) or usual).absolute()
    if file.exists():
        numbered = (file.with_name(f"{file.stem}.{number}{file.suffix}") for number in count(2))
        os.environ[_PATH] = str(next(path for path in numbered if not path.exists()))
