# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Writing the .mat files of Flowers102 and Cars196 as MATLAB 5 wrote them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from verl_visual_rft.errors import UserError

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
