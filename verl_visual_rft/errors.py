# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The error types that are meant for the person at the keyboard."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

#: What the system says of a user's files and disks, wherever it says it.
_ERRORS_OF_FILES = (
    *(errno.ENAMETOOLONG, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EACCES, errno.EPERM),
    *(errno.EEXIST, errno.ENOTEMPTY),
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO, errno.ESTALE, errno.EMFILE),
)


class UserError(Exception):
    """Something the user can mend: the message names what is wrong, where, and the remedy.

    Commands print the message without a traceback and exit with status 2.
    """


class PackageMissingError(UserError):
    """What was asked for needs a package that is not installed here; the message has the command that installs it."""


class RewardError(UserError):
    """A reward of another package failed on a response: it raised, did not return, or returned no finite numbers."""


def guess(word: str, known: Iterable[str]) -> str:
    """Return what an error adds to a name that is not known: the nearest one, if any is near.

    Example:
        >>> guess("robsut", ["paper", "robust"])
        " (did you mean 'robust'?)"
    """
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


@contextmanager
def system_errors_are_the_users() -> Iterator[None]:
    """Around a whole command: a full disk, a read-only folder or a name that is too long is one line, too.

    Raises:
        UserError: The system refused something about a file.

    Example:
        >>> with system_errors_are_the_users():  # doctest: +SKIP
        ...     open("/etc/shadow")
        UserError: /etc/shadow: Permission denied; mend that and run the same command again
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _ERRORS_OF_FILES:
            raise
        what = f"{error.filename}: " if error.filename is not None else ""
        raise UserError(f"{what}{error.strerror}; mend that and run the same command again") from error
