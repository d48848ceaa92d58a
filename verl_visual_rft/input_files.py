# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Files that somebody else made: regular ones of a stated size, as text and as JSON that nothing later trips over.

JSON may say more than its readers can hold. What is refused here, with its place, for all of them: nesting beyond the
interpreter's stack, integers beyond 64 bits, lone surrogates (no text file and no parquet can hold them), text that is
not UTF-8. A byte order mark is no fault.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from verl_visual_rft.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path  # scoring reads no file, and should not pay for it

#: Most bytes of a file that is read at once. The largest annotation file known here has 7 GB (Objects365).
MOST_BYTES = 8 << 30

_MOST_DIGITS = 19  # of a 64-bit integer, without its sign
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHOWN = 40


def require_regular(path: Path, most: int = MOST_BYTES) -> None:
    """Refuse what a reader would wait for (a FIFO), never see the end of (``/dev/zero``) or not hold in memory.

    Raises:
        OSError: The file is missing, no regular file, or larger than ``most`` bytes; ``strerror`` says which.
    """
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is not a regular file; write its content to one", str(path))
    if status.st_size > most:
        raise OSError(errno.EFBIG, f"has {status.st_size:,} bytes, more than the {most:,} that are read", str(path))


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Read a regular file.

    Raises:
        OSError: See `require_regular`.
    """
    require_regular(path, most)
    return path.read_bytes()


def decode_text(data: bytes) -> str:
    r"""Return UTF-8 text without its byte order mark.

    Raises:
        UserError: It is another encoding; the message names the byte.

    Example:
        >>> decode_text(b"\xef\xbb\xbfa")
        'a'
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = data[error.start : error.start + 1].hex()
        raise UserError(
            f"is not UTF-8 text (byte 0x{byte} at offset {error.start:,}); convert it, "
            "with `iconv -f GBK -t UTF-8` where it is GBK"
        ) from error


def read_text(path: Path, remedy: str) -> str:
    """Read UTF-8 text.

    Raises:
        UserError: The file cannot be read, or is not UTF-8.
    """
    try:
        return decode_text(read_bytes(path))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}; {remedy}") from error
    except UserError as error:
        raise UserError(f"{path} {error}") from error


def parse_json(text: str | bytes, object_hook: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Return the value of a JSON text.

    Args:
        text: The text; bytes are UTF-8.
        object_hook: See `json.loads`.

    Raises:
        UserError: It is not JSON, or says what the table above refuses; the message starts with "is" or "holds".

    Example:
        >>> parse_json('{"id": 1}')
        {'id': 1}
    """
    if isinstance(text, bytes):
        text = decode_text(text)
    try:
        value = json.loads(text, object_hook=object_hook, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise UserError(f"is not JSON: {error}") from error
    except RecursionError:
        raise UserError("is JSON that is nested too deeply") from None
    except _TooLong as error:
        line = text.count("\n", 0, text.find(error.digits)) + 1
        shown = error.digits[:_SHOWN] + ("..." if len(error.digits) > _SHOWN else "")
        raise UserError(
            f"holds an integer of more than 64 bits on line {line}: {shown} ({len(error.digits)} digits)"
        ) from None
    except MemoryError:
        raise UserError("is JSON that does not fit into memory") from None
    if _SURROGATE.search(text) or "\\ud" in text or "\\uD" in text:
        _refuse_surrogates(value, "")
    return value


def read_json(path: Path, remedy: str, object_hook: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Read a JSON file.

    Args:
        path: The file.
        remedy: What to do where it cannot be used, for the message.
        object_hook: See `json.loads`.

    Raises:
        UserError: The file cannot be read, or see `parse_json`.
    """
    text = read_text(path, remedy)
    try:
        return parse_json(text, object_hook)
    except UserError as error:
        raise UserError(f"{path} {error}; {remedy}") from error


def read_json_object(path: Path, remedy: str) -> dict[str, Any]:
    """Read a JSON file whose top level is an object.

    Raises:
        UserError: It is something else, or see `read_json`.
    """
    content = read_json(path, remedy)
    if not isinstance(content, dict):
        raise UserError(f"{path}: the top level is {type(content).__name__}, not an object; {remedy}")
    return content


def read_json_lines(path: Path, remedy: str) -> Iterator[tuple[int, Any]]:
    """Yield the number, from 1, and the value of each line that is not blank.

    Raises:
        UserError: The file cannot be read, or a line is not JSON; the message names it.
    """
    for number, line in numbered_lines(path, remedy):
        try:
            value = parse_json(line)
        except UserError as error:
            raise UserError(f"{path}: line {number} {error}; {remedy}") from error
        yield number, value


def numbered_lines(path: Path, remedy: str) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of each line that is not blank, with its end.

    Only a line feed ends a line: U+2028 and its like may stand in JSON's texts.

    Raises:
        UserError: The file cannot be read, or a line is not UTF-8; the message names it.
    """
    try:
        require_regular(path)
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    text = decode_text(line)
                except UserError as error:
                    raise UserError(f"{path}: line {number} {error}") from error
                if text.strip():
                    yield number, text
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}; {remedy}") from error


def is_finite_number(value: Any) -> bool:
    """Whether a value of `parse_json` is a number, and neither NaN nor infinite.

    Example:
        >>> [is_finite_number(value) for value in parse_json('[1, 0.5, NaN, 1e999, true, "1", null]')]
        [True, True, False, False, False, False, False]
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class _TooLong(Exception):
    def __init__(self, digits: str) -> None:
        super().__init__(digits)
        self.digits = digits


def _integer(digits: str) -> int:
    # Nearly all are short; int() of thousands of digits would take quadratic time, or raise an error of its own.
    if len(digits) < _MOST_DIGITS:
        return int(digits)
    if len(digits) > _MOST_DIGITS + 1 or not -(2**63) <= int(digits) < 2**63:
        raise _TooLong(digits)
    return int(digits)


def _refuse_surrogates(value: Any, place: str) -> None:
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise UserError(f"holds half of a surrogate pair, which is no character, in {place or 'its text'}")
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            _refuse_surrogates(entry, f"{place}[{number}]")
    elif isinstance(value, dict):
        for key, entry in value.items():
            _refuse_surrogates(key, f"a key of {place or 'the top level'}")
            _refuse_surrogates(entry, f"{place}.{key}" if place else key)


def is_point(value: Any) -> bool:
    """Whether decoded JSON is a pair of finite numbers."""
    return isinstance(value, list) and len(value) == 2 and all(map(is_finite_number, value))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    import hashlib

    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
