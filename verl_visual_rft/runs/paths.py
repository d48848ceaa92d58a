# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Where things are: a user's path is seen from where they called, all else from the repository, where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import verl_visual_rft
from verl_visual_rft.errors import UserError


def repository() -> Path | None:
    """Return the clone that this package is imported from; None where it is installed without one."""
    folder = Path(verl_visual_rft.__file__).resolve().parents[1]
    return folder if (folder / "data_prep").is_dir() and (folder / "recipes").is_dir() else None


def work_folder(caller: Path) -> Path:
    """Return the folder that commands run in, and default folders lie in: the repository, else the caller's."""
    return repository() or caller


def from_caller(path: str, caller: Path) -> Path:
    """Return an absolute path without links, whether it is there or not; relative ones begin in the caller's folder."""
    return Path(os.path.realpath(caller / path))


def model_from_caller(model: str, caller: Path) -> str:
    """Return a model's folder as `from_caller` does, or from the repository; else it is a name on the hub."""
    if model.startswith("/") or (caller / model).is_dir():
        return str(from_caller(model, caller))
    if (work_folder(caller) / model).is_dir():
        return str(from_caller(model, work_folder(caller)))
    return model


def check_writable(output: Path) -> None:
    """Refuse a folder that cannot be made or written, making nothing.

    Raises:
        UserError: What is there of its path is no folder, or not the user's to write.
    """
    there = next(path for path in (output, *output.parents) if path.exists())
    if not there.is_dir():
        raise UserError(f"OUTPUT_DIR={output}: {there} is no folder; set OUTPUT_DIR to another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"OUTPUT_DIR={output}: {there} may not be written; set OUTPUT_DIR to another folder")


def output_folder(given: str, default: str, caller: Path) -> Path:
    """Return the folder of a run: the user's OUTPUT_DIR, or the default one."""
    return from_caller(given, caller) if given else from_caller(default, work_folder(caller))
