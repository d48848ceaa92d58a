# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Reading pictures in several processes: in order, and never many at a time."""

from __future__ import annotations

import itertools
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from verl_visual_rft.datasets.images import StoredPicture, load_picture
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.question import Picture

_BATCH = 4  # pictures a task: enough to hide the cost of a task, few enough for camera originals of 10 MB
_AHEAD = 2  # tasks in flight for each worker


def load_pictures(pictures: Iterable[Picture], workers: int) -> Iterator[StoredPicture | Skip]:
    """Yield what `load_picture` gives for each picture, in their order.

    At most ``8 * workers`` pictures are held beside the one that is yielded. With one worker they are read here, in
    this process.

    Raises:
        UserError: A worker process was killed.
    """
    if workers == 1:
        yield from map(load_picture, pictures)
        return
    # Processes that are forked while other threads hold locks can hang; spawned ones cannot.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_parent)
    try:
        pending: deque[Future[list[StoredPicture | Skip]]] = deque()
        for batch in _batches(pictures):
            pending.append(pool.submit(_load_batch, batch))
            if len(pending) == _AHEAD * workers:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    except BrokenProcessPool as error:
        raise UserError(
            "a process that reads pictures was killed, by lack of memory perhaps; use fewer --workers"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _batches(pictures: Iterable[Picture]) -> Iterator[list[Picture]]:
    remaining = iter(pictures)
    while batch := list(itertools.islice(remaining, _BATCH)):
        yield batch


def _load_batch(pictures: list[Picture]) -> list[StoredPicture | Skip]:
    return [load_picture(picture) for picture in pictures]


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
