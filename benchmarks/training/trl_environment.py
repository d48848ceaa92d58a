# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""An environment for TRL of its own, with the torch and transformers of ours."""

from __future__ import annotations

import subprocess
import venv
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SAME = ("torch", "torchvision", "transformers", "accelerate", "datasets")


def trl_python(folder: Path) -> Path:
    """Return the Python of the environment in ``folder``; install the newest TRL there if it is missing."""
    python = folder.resolve() / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        pinned = [f"{name}=={version(name).partition('+')[0]}" for name in _SAME]
        index = ["--extra-index-url", "https://download.pytorch.org/whl/cpu"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *index, *pinned, "trl", "-e", ROOT], check=True)
        subprocess.run([python, "-m", "verl_visual_rft.doctor.repair"], check=True)
        (folder / "ready").touch()
    return python
