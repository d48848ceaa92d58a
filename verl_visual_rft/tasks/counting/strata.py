# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of counting questions, by the true number: in the audit and in the metrics."""

from __future__ import annotations

NOTHING, ONE, FEW, SOME, MANY = "0", "1", "2-4", "5-9", "10+"
#: In the order of tables. Up to four are seen at a glance, more have to be counted (Kaufman et al., The discrimination
#: of visual number, American Journal of Psychology 62, 1949).
STRATA = (NOTHING, ONE, FEW, SOME, MANY)
_LOWEST = {MANY: 10, SOME: 5, FEW: 2, ONE: 1, NOTHING: 0}


def stratum_of(count: int) -> str:
    """Return the kind of a question whose answer is that number, from 0 on.

    Example:
        >>> [stratum_of(count) for count in (0, 1, 4, 5, 12)]
        ['0', '1', '2-4', '5-9', '10+']
    """
    return next(name for name, lowest in _LOWEST.items() if count >= lowest)
