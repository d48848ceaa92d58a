# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a manifest says of a split: counted row by row while the split is written."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from verl_visual_rft.coordinates import Placement
from verl_visual_rft.datasets.images import StoredPicture
from verl_visual_rft.datasets.skips import Mend, Skip
from verl_visual_rft.tasks import Truth, read_truth
from verl_visual_rft.tasks.question import Question

#: The rule under which the later of two such questions is listed.
CONTRADICTION = "the same was asked of the same picture before, with another truth"


class Kept(dict[str, Placement]):
    """By id, where annotations lie in the pictures of a split that have a row; and which questions have none."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self._left_out: set[tuple[str, str, str]] = set()

    def leave_out(self, question: Question) -> None:
        """Note a question that got no row."""
        self._left_out.add((question.task, question.picture.id, question.subject))

    def has(self, question: Question) -> bool:
        """Whether a question of the split has a row; its picture may have rows of others."""
        return (question.task, question.picture.id, question.subject) not in self._left_out


class Tally:
    """Counts of one split. It keeps ids, names and hashes, never pictures."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.tasks: set[str] = set()
        self.rows = 0
        self.placements = Kept()
        self.skips: dict[Skip, None] = {}  # in order of appearance, each once
        self.hashes: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._skipped_rows = 0
        self._source_bytes = 0
        self._boxes = 0
        self._conversions: dict[str, dict[str, None]] = {}
        self._chosen: dict[str, dict[str, list[str]]] = {"positives": {}, "negatives": {}}
        self._longest: Counter[str] = Counter()

    def skip(self, skip: Skip, question: Question) -> None:
        """Count a question that got no row."""
        self._skipped_rows += 1
        self.placements.leave_out(question)
        self.skips[skip] = None

    def add(self, question: Question, stored: StoredPicture, row: Mapping[str, Any]) -> None:
        """Count a row."""
        picture = question.picture
        self.rows += 1
        self.tasks.add(question.task)
        if picture.id not in self.placements:
            self.placements[picture.id] = stored.placement
            self.hashes[picture.id] = stored.source_sha256
            self._names[picture.id] = picture.name
            self._source_bytes += stored.source_bytes
            for rule in stored.conversions:
                self._conversions.setdefault(rule, {})[picture.name] = None
        group = self._chosen["negatives" if question.is_negative else "positives"]
        group.setdefault(question.group, []).append(picture.id)
        self._boxes += len(question.bounds())
        for name in ("image_tokens", "prompt_tokens"):
            self._longest[name] = max(self._longest[name], row["extra_info"][name] or 0)

    def counts(self) -> dict[str, Any]:
        """Return the split's entry of the manifest's ``counts``."""
        positives, negatives = self._chosen["positives"], self._chosen["negatives"]
        return {
            "rows": self.rows,
            "skipped_rows": self._skipped_rows,
            "images": len(self.placements),
            "boxes": self._boxes,
            "negatives": sum(map(len, negatives.values())),
            "categories": len(positives),
            "positives_by_category": {name: len(ids) for name, ids in sorted(positives.items())},
            "most_image_tokens": self._longest["image_tokens"],
            "most_prompt_tokens": self._longest["prompt_tokens"] or None,
        }

    def pictures(self) -> dict[str, Any]:
        """Return the split's entry of the manifest's ``sources.pictures``."""
        lines = (f"{self._names[key]} {self.hashes[key]}\n" for key in sorted(self.hashes))
        return {
            "count": len(self.hashes),
            "bytes": self._source_bytes,
            "sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
        }

    def chosen(self) -> dict[str, dict[str, list[str]]]:
        """Return the picture ids of the rows, in their order."""
        return {group: dict(sorted(by_category.items())) for group, by_category in self._chosen.items()}

    def conversions(self) -> dict[str, list[str]]:
        """Return the pictures that were converted, by rule."""
        return {rule: [*names] for rule, names in self._conversions.items()}


def question_of(row: Mapping[str, Any], truth: Truth) -> str:
    """Return what a row asks: what its truth answers, or the prompt where the truth does not say."""
    return truth.asks or "\n".join((message or {}).get("content") or "" for message in row["prompt"] or ())


class Contradictions:
    """The truths of the rows so far, by picture and question: of two that differ, one teaches what is not so."""

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


def by_rule(skips: Iterable[Skip | Mend]) -> dict[str, dict[str, Any]]:
    """Return the manifest's ``skips`` or ``mends``: how many by each rule, and where.

    Example:
        >>> by_rule([Skip("no file", "a.jpg"), Skip("no file", "b.jpg")])
        {'no file': {'count': 2, 'where': ['a.jpg', 'b.jpg']}}
    """
    grouped: dict[str, list[str]] = {}
    for skip in skips:
        where = skip.where.encode(errors="backslashreplace").decode()  # a file's name may be no UTF-8
        grouped.setdefault(skip.rule, []).append(where)
    return {rule: {"count": len(places), "where": places} for rule, places in sorted(grouped.items())}


def merged_conversions(tallies: Iterable[Tally]) -> dict[str, dict[str, Any]]:
    """Return the manifest's ``conversions``, a picture of several splits once."""
    merged: dict[str, dict[str, None]] = {}
    for tally in tallies:
        for rule, names in tally.conversions().items():
            merged.setdefault(rule, {}).update(dict.fromkeys(names))
    return {rule: {"count": len(names), "pictures": [*names]} for rule, names in sorted(merged.items())}


def shared_pictures(tallies: Iterable[Tally]) -> int:
    """Return how many pictures, told by their bytes, more than one split shows."""
    splits = Counter(digest for tally in tallies for digest in set(tally.hashes.values()))
    return sum(count > 1 for count in splits.values())
