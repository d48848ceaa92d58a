# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The same question about the same picture with two truths: at least one of them teaches what is not so."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.tasks import Truth, read_truth

#: The rule under which the later of two such questions is listed.
CONTRADICTION = "the same was asked of the same picture before, with another truth"


def question_of(row: Mapping[str, Any], truth: Truth) -> str:
    """Return what a row asks: what its truth answers, or the prompt where the truth does not say."""
    return truth.asks or "\n".join((message or {}).get("content") or "" for message in row["prompt"] or ())


class Contradictions:
    """The truths of the rows so far, by picture and question."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._said: dict[int, tuple[int, str]] = {}

    def find(self, row: Mapping[str, Any], picture: Hashable) -> Skip | None:
        """Return why a row is left out; None where it agrees with those before it.

        Args:
            row: A row of `rows.RFT_SCHEMA`.
            picture: What its picture is told by: the bytes of the file and the part of it, whatever its name is.
        """
        name = row["extra_info"]["file_name"]
        truth = read_truth(row["ability"], row["reward_model"]["ground_truth"])
        # Hashes alone: a data set has millions of questions.
        asked, said = hash((picture, row["ability"], question_of(row, truth))), hash(truth.claim)
        before, first = self._said.setdefault(asked, (said, name))
        return None if before == said else Skip(CONTRADICTION, f"{name}, as {first}: {row['extra_info']['category']}")
