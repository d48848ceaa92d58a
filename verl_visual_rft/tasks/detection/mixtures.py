# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Mixtures of detection questions: how many ask for what is not there, how many objects come alone."""

from __future__ import annotations

from dataclasses import dataclass

#: Kinds of questions, by how many objects there are.
NO_OBJECT, ONE, SEVERAL = "no object", "one object", "several objects"
COLUMNS = ("nothing there", "one object, of the others")


@dataclass(frozen=True)
class DetectionMixture:
    """Shares of questions.

    Attributes:
        without: Share of all questions whose category is absent.
        one: Of the others, the share with one object.
    """

    without: float
    one: float

    @property
    def shares(self) -> dict[str, float]:
        """By kind of question, those that there are; they sum to 1."""
        shown = 1 - self.without
        shares = {NO_OBJECT: self.without, ONE: shown * self.one, SEVERAL: shown * (1 - self.one)}
        return {kind: share for kind, share in shares.items() if share}

    @property
    def cells(self) -> tuple[str, ...]:
        """What the table says of it, by `COLUMNS`."""
        return f"{100 * self.without:.0f} %", f"{100 * self.one:.0f} %"


#: Those of the table: half of the questions about objects are about one, none is, all are.
MIXTURES = tuple(
    DetectionMixture(without, one) for one in (0.5, 0.0, 1.0) for without in (0.0, 0.05, 0.1, 0.2, 0.35, 0.5)
)
