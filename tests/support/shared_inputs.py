# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Files of others that tests read in ``../shared``, beside the repository: their licences keep them out of it."""

import hashlib
import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "shared"


def shared(name: str) -> Path:
    """Return ``../shared/NAME``. Where it is absent the test is skipped; in CI, which lays it there, it fails."""
    path = FOLDER / name
    if not path.exists():
        absent = f"../shared/{name} is not beside this checkout"
        if os.environ.get("CI"):
            pytest.fail(f"{absent}, and CI is set", pytrace=False)
        pytest.skip(absent)
    return path


def reviewed(name: str, sha256: str) -> bytes:
    """Return what is in ``../shared/NAME``: that which was reviewed, to the byte."""
    path = shared(name)
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == sha256, f"{path} has changed: review its responses anew"
    return content
