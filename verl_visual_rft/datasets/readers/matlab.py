# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Values of MATLAB files as plain Python: Flowers102 and Stanford Cars are annotated in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verl_visual_rft.errors import UserError


def read_numbers(path: Path, key: str) -> tuple[int, ...]:
    """Return a vector of integers.

    Raises:
        UserError: The file cannot be read, lacks the variable, or it is not a vector of integers.
    """
    values = _read(path, key)
    if values.dtype.kind not in "iu" or values.size != max(values.shape, default=0):
        raise UserError(f"{path}: {key!r} is not a vector of integers")
    return tuple(int(value) for value in values.ravel())


def read_names(path: Path, key: str) -> tuple[str, ...]:
    """Return a cell array of texts.

    Raises:
        UserError: The file cannot be read, lacks the variable, or it is not a cell array of texts.
    """
    return tuple(_scalar(path, f"{key}[{i}]", cell, str) for i, cell in enumerate(_read(path, key).ravel()))


def read_records(path: Path, key: str, number: str, text: str) -> tuple[tuple[int, str], ...]:
    """Return two fields of every element of a struct array.

    Args:
        path: The file.
        key: The variable.
        number: Field that holds an integer.
        text: Field that holds a text.

    Raises:
        UserError: The file cannot be read, lacks the variable or a field, or a field holds something else.
    """
    records = _read(path, key)
    missing = [field for field in (number, text) if field not in (records.dtype.names or ())]
    if missing:
        raise UserError(f"{path}: {key!r} has no field {' and no field '.join(map(repr, missing))}")
    return tuple(
        (
            _scalar(path, f"{key}[{i}].{number}", record[number], int),
            _scalar(path, f"{key}[{i}].{text}", record[text], str),
        )
        for i, record in enumerate(records.ravel())
    )


def _read(path: Path, key: str) -> Any:
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise UserError(f'{path} is a MATLAB file; to read it, pip install "verl-visual-rft[data]" (scipy)') from error
    try:
        content = loadmat(str(path), variable_names=[key])
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # scipy raises many types on damaged files; each becomes the same refusal
        raise UserError(f"{path} is not a whole MATLAB file: {error}; download it again") from error
    if key not in content:
        raise UserError(f"{path} has no variable {key!r}; is it the original file?")
    return content[key]


def _scalar(path: Path, where: str, cell: Any, kind: type[Any]) -> Any:
    """Unwrap ``[['text']]`` and ``[[7]]``: MATLAB has no scalars."""
    value = cell.item() if getattr(cell, "size", 0) == 1 else cell
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    raise UserError(f"{path}: {where} is {value!r}, not one {'text' if kind is str else 'integer'}")
