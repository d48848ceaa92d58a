# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Components that say how right a number is; 0 where none could be read."""

from __future__ import annotations

from verl_visual_rft.tasks.counting.answer import CountingAnswer
from verl_visual_rft.tasks.counting.truth import CountingTruth


class Exact:
    """1 if the answer is the true number, else 0.

    Pays for what is measured in the end. Alone it is gamed where one number is frequent, by always answering that one:
    on COCO's categories "1" is right for a large part. Mix the numbers, and questions about what is not there.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: CountingAnswer, truth: CountingTruth) -> float:
        """``1`` if the answer is the true number, else 0."""
        return float(answer.count == truth.count)


class Closeness:
    """1 - |answer - truth| / max(answer, truth): how near the number comes, whatever its size.

    Pays for the direction where a number is too large to be met. Alone it is gamed by one number in the middle of what
    is asked: half of it or twice as many still earns 0.5. Give it with `Exact`.
    """

    range = (0.0, 1.0)

    def __call__(self, answer: CountingAnswer, truth: CountingTruth) -> float:
        """``1 - |a - n| / max(a, n)`` of the answer a and the truth n; 1 if both are 0."""
        return closeness(answer.count, truth.count)


def closeness(answered: int | None, count: int) -> float:
    """Return ``1 - |answered - count| / max(answered, count)``, in [0, 1]; 1 if both are 0, 0 without an answer.

    The error is relative to the larger of the two, which bounds it and makes twice as many cost what half as many
    does; relative to the truth it would be cheaper to say too few.

    Example:
        >>> closeness(3, 4), closeness(8, 4), closeness(0, 4), closeness(0, 0)
        (0.75, 0.5, 0.0, 1.0)
    """
    if answered is None:
        return 0.0
    largest = max(answered, count)
    return min(answered, count) / largest if largest else 1.0
