# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What `predict` asks of an engine, and running one on several devices or connections at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Protocol

#: A row of a prepared parquet: at least ``prompt``, ``images`` and ``extra_info``.
Row = dict[str, Any]


@dataclass(frozen=True)
class Response:
    """One response: its text, its length in tokens (``None``: not told) and why it ended (``stop`` or ``length``)."""

    text: str
    tokens: int | None
    finish_reason: str


class Engine(Protocol):
    """Something that answers rows."""

    def describe(self) -> dict[str, Any]:
        """Return what is needed to repeat the answers, JSON-ready."""

    def answer(self, batches: Iterable[Sequence[Row]]) -> Iterator[tuple[Sequence[Row], list[Response]]]:
        """Answer batches of rows; they come back whole, in any order.

        Raises:
            UserError: A row cannot be asked, or the engine gave up; what was answered by then has been given before.
        """

    def close(self) -> None:
        """Free what the engine holds; unfinished work is abandoned."""


class EngineSettings(Protocol):
    """How to make an engine."""

    @property
    def batch(self) -> int:
        """Rows that are answered together, and saved together."""

    def identity(self) -> dict[str, Any]:
        """Return all that decides the answers, JSON-ready, without loading: equal identity, equal answers."""

    def load(self) -> Engine:
        """Make the engine.

        Raises:
            UserError: The model, a file or a package is missing.
        """


def where(row: Row) -> str:
    """Name a row in a message."""
    extra = row["extra_info"]
    return f"row {extra['index']} ({extra.get('file_name')}, {extra.get('category')!r})"


def answer_in_parallel(
    submit: Callable[[Sequence[Row]], Future[list[Response]]], batches: Iterable[Sequence[Row]], at_once: int
) -> Iterator[tuple[Sequence[Row], list[Response]]]:
    """Keep ``at_once`` batches submitted and give each as it is answered.

    After the first failure nothing new is begun; what was begun is still waited for and given, then the failure raised.
    """
    waiting, running = iter(batches), dict[Future[list[Response]], Sequence[Row]]()
    failure: BaseException | None = None
    while True:
        while failure is None and len(running) < at_once and (batch := next(waiting, None)) is not None:
            running[submit(batch)] = batch
        if not running:
            break
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            batch = running.pop(future)
            error = future.exception()
            if error is None:
                yield batch, future.result()
            else:
                failure = failure or error
    if failure is not None:
        raise failure
