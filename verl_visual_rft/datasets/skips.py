# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What readers of original datasets put right or leave out, by documented rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mend:
    """Something of the original that was put right, by a documented rule."""

    rule: str  #: The rule, in a few words that are the same for all it applies to ("box annotated twice").
    where: str  #: File and entry, for people.


@dataclass(frozen=True, slots=True)
class Skip:
    """Something of the original that was left out, by a documented rule."""

    rule: str  #: The rule, in a few words that are the same for all it applies to ("crowd box", "no file").
    where: str  #: File and entry, for people.
