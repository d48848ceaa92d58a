# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Saved responses in the place of a model: published ones, or those of another run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict.engines.engine import Engine, Response, Row, where
from verl_visual_rft.input_files import read_bytes, read_json_lines
from verl_visual_rft.tasks import load_task


@dataclass(frozen=True)
class ReplaySettings:
    """Where the responses are.

    Attributes:
        responses: JSON lines with ``image_id`` (text or number), what of the picture was asked, and ``response``; also
            ``response_tokens`` and ``finish_reason`` where they are known. What was asked is the row's ``category`` or
            its ``index``; in classification the category is the answer, and the picture says enough. A predictions
            file is such a file.
    """

    responses: Path
    batch: ClassVar[int] = 1

    def identity(self) -> dict[str, Any]:
        """Return the hash of the file."""
        try:
            return {"engine": "replay", "responses_sha256": hashlib.sha256(read_bytes(self.responses)).hexdigest()}
        except OSError as error:
            raise UserError(f"cannot read the responses {self.responses}: {error.strerror}") from error

    def load(self) -> Engine:
        """Read the file."""
        return ReplayEngine(self)


#: A picture and what of it was asked: a category, a row's index, or nothing.
_Question = tuple[str, str | int | None]


class ReplayEngine:
    """Responses by picture and what was asked of it."""

    def __init__(self, settings: ReplaySettings) -> None:
        """Read and check the file."""
        self._settings = settings
        self._answers: dict[_Question, Response] = {}
        for number, record in read_json_lines(settings.responses, "correct the line"):
            question, answer = _decode(record, f"{settings.responses}: line {number}")
            if self._answers.setdefault(question, answer) != answer:
                asked = "" if question[1] is None else f", {question[1]!r}"
                raise UserError(
                    f"{settings.responses}: line {number}: image {question[0]}{asked} has another response above; "
                    "keep one"
                )

    def describe(self) -> dict[str, Any]:
        """Return the file, JSON-ready."""
        return {"engine": {"name": "replay", "responses": str(self._settings.responses)}, "sampling": None}

    def answer(self, batches: Iterable[Sequence[Row]]) -> Iterator[tuple[Sequence[Row], list[Response]]]:
        """Look the responses up.

        Raises:
            UserError: A question has no response.
        """
        for batch in batches:
            yield batch, [self._find(row) for row in batch]

    def close(self) -> None:
        """Nothing is held."""

    def _find(self, row: Row) -> Response:
        about = row["extra_info"]
        asked = [about["category"], about["index"], *([None] if load_task(row["ability"]).tells_answer else [])]
        for what in asked:
            if (answer := self._answers.get((about["image_id"], what))) is not None:
                return answer
        raise UserError(
            f"{self._settings.responses} has no response to {where(row)}, image {about['image_id']}; give responses to "
            "all questions, each with its category or index, or data of those that were asked"
        )


def _decode(record: Any, position: str) -> tuple[_Question, Response]:
    try:
        category = record.get("category")
        question = (str(record["image_id"]), record.get("index") if category is None else category)
        hash(question)
        answer = Response(record["response"], record.get("response_tokens"), record.get("finish_reason") or "stop")
    except (TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{position}: not a JSON object with image_id, category and response ({type(error).__name__}: {error})"
        ) from error
    return question, answer
