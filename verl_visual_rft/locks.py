# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Two at once: whoever writes a file or a folder bit by bit holds a lock, and the second one is refused at once.

The lock belongs to the process: a kill ends it, whatever it leaves on the disk.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from verl_visual_rft.errors import UserError


def open_locked(path: Path, written: Path | None = None) -> IO[bytes]:
    """Open a file for appending and reading that no other process has open so; it is made when missing.

    Args:
        path: The file.
        written: What is written under its lock, for the message; None: the file itself.

    Raises:
        OSError: The file cannot be opened.
        UserError: Another process holds it.
    """
    while True:
        file = path.open("a+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise UserError(
                f"{written or path} is being written by another process; wait for it, or write to another place"
            ) from None
        # Its holder may have removed it between our opening and locking: then others lock another file of this name.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()


@contextmanager
def alone(written: Path, lock: Path) -> Iterator[None]:
    """Hold a lock file while something is written; it is removed afterwards.

    Args:
        written: The folder or file that is written, for the message.
        lock: The lock file, in a folder that is there.

    Raises:
        OSError: The lock file cannot be made.
        UserError: Another process holds it.

    Example:
        >>> with alone(out, out / ".lock"):  # doctest: +SKIP
        ...     write(out)
    """
    with open_locked(lock, written):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
