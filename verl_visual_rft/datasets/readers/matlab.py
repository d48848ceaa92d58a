# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Values of MATLAB files as plain Python: Flowers102 and Stanford Cars are annotated in them.

SciPy's reader trusts its file: a damaged one can end it by a segmentation fault, or unpack to any size. So it runs in a
process of its own, with limits on time and memory.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import require_regular

#: Limits on reading one variable; the originals take a second, and a few hundred megabytes, nearly all SciPy itself.
SECONDS, MEMORY_BYTES = 60.0, 2 << 30
_MOST_FILE_BYTES = 1 << 30

_Value = TypeVar("_Value")


def read_numbers(path: Path, key: str) -> tuple[int, ...]:
    """Return a vector of integers.

    Raises:
        UserError: The file cannot be read, lacks the variable, or it is not a vector of integers.
    """
    return _apart(_numbers, path, key)


def read_names(path: Path, key: str) -> tuple[str, ...]:
    """Return a cell array of texts.

    Raises:
        UserError: The file cannot be read, lacks the variable, or it is not a cell array of texts.
    """
    return _apart(_names, path, key)


def read_records(path: Path, key: str, number: str, text: str) -> tuple[tuple[int, str], ...]:
    """Return two fields of every element of a struct array, an integer and a text.

    Raises:
        UserError: The file cannot be read, lacks the variable or a field, or a field holds something else.
    """
    return _apart(_records, path, key, number, text)


def _apart(read: Callable[..., _Value], path: Path, *arguments: str) -> _Value:
    """Call ``read`` in the reading process, which is replaced when the file ends it or keeps it."""
    try:
        require_regular(path, _MOST_FILE_BYTES)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    pool = _reading_process()
    try:
        return pool.submit(read, path, *arguments).result(SECONDS)
    except BrokenProcessPool:
        problem = "its reader died on it"
    except TookTooLong:
        problem = f"reading it did not end within {SECONDS:g} s"
        for process in list(pool._processes.values()):
            process.kill()
    _reading_process.cache_clear()
    raise UserError(f"{path} is not a whole MATLAB file: {problem}; download it again")


@lru_cache(maxsize=1)  # importing SciPy takes a second
def _reading_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_limit_memory)


def _limit_memory() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _numbers(path: Path, key: str) -> tuple[int, ...]:
    values = _load(path, key)
    if values.dtype.kind not in "iu" or values.size != max(values.shape, default=0):
        raise UserError(f"{path}: {key!r} is not a vector of integers")
    return tuple(int(value) for value in values.ravel())


def _names(path: Path, key: str) -> tuple[str, ...]:
    return tuple(_scalar(path, f"{key}[{i}]", cell, str) for i, cell in enumerate(_load(path, key).ravel()))


def _records(path: Path, key: str, number: str, text: str) -> tuple[tuple[int, str], ...]:
    records = _load(path, key)
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


def _load(path: Path, key: str) -> Any:
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise UserError(f'{path} is a MATLAB file; to read it, pip install "verl-visual-rft[data]" (scipy)') from error
    try:
        content = loadmat(str(path), variable_names=[key])
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except MemoryError:
        raise UserError(f"{path} unpacks to more than {MEMORY_BYTES >> 30} GiB; download it again") from None
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
    raise UserError(f"{path}: {where} is {value!r:.200}, not one {'text' if kind is str else 'integer'}")
