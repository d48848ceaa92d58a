# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Files that several originals have: MATLAB 5's, CoOp's splits (``split_zhou_<Dataset>.json``), and lists."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.errors import UserError

#: ``(path, 0-based label, class name)``
Item = tuple[str, int, str]

_HEADER = b"MATLAB 5.0 MAT-file, Platform: GLNXA64, Created on: Sat Jan  1 00:00:00 2000"
_HEADER_BYTES = 116  # free text in front of the version


def write_mat(path: Path, variables: Mapping[str, Any]) -> None:
    """Write variables compressed and without the time of writing, so that the same give the same bytes.

    Raises:
        UserError: SciPy is not installed.
    """
    try:
        from scipy.io import savemat
    except ImportError as error:
        raise UserError(f'{path} is a MATLAB file; to write it, pip install "verl-visual-rft[data]" (scipy)') from error
    buffer = io.BytesIO()
    savemat(buffer, dict(variables), do_compression=True, oned_as="row")
    content = _HEADER.ljust(_HEADER_BYTES) + buffer.getvalue()[_HEADER_BYTES:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_coop_split(path: Path, train: Sequence[Item], val: Sequence[Item], test: Sequence[Item]) -> None:
    """Write the file with its three lists, in the order given."""
    path.write_text(json.dumps({"train": train, "val": val, "test": test}), encoding="utf-8")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines, each with its end; the folder is made when missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
