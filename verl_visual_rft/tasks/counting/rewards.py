# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the named rewards pay for an answer to a counting question."""

from __future__ import annotations

from verl_visual_rft.tasks.counting.answer import CountingAnswer
from verl_visual_rft.tasks.counting.components import closeness
from verl_visual_rft.tasks.counting.truth import CountingTruth
from verl_visual_rft.tasks.form import FORMAT_WEIGHT, Format

#: Weights of the right number, and of a number that is near.
EXACT_WEIGHT, CLOSENESS_WEIGHT = 2.0, 0.5

_FORMAT = Format()


class Robust:
    """Pays for the right number, and a little for coming near."""

    range = (0.0, EXACT_WEIGHT + CLOSENESS_WEIGHT + FORMAT_WEIGHT)
    weights = {"exact": EXACT_WEIGHT, "closeness": CLOSENESS_WEIGHT, "format": FORMAT_WEIGHT}

    def __call__(self, answer: CountingAnswer, truth: CountingTruth) -> dict[str, float]:
        """Score the number of an answer: ``score = 2 exact + 0.5 closeness + 0.5 format``, in [0, 3].

        - ``exact``: 1 if the answer is the true number. Most of the reward, for paid by nearness alone one number in
          the middle of what is asked does well on every picture. An answer that says several numbers at once ("3 or
          4", "at least 3") is none: paid, to hedge is the best answer.
        - ``closeness``: ``1 - |a - n| / max(a, n)`` of the answer a and the truth n. It tells the learner which
          way to go where exact is 0 for every sampled answer, as with large numbers.
        - ``format``: see `Format`. It cannot make up for a wrong number.

        Where nothing is there, "0" (or "No Objects", "none") earns exact and closeness, any other number neither; "0"
        where something is there earns neither. If nothing is there with probability p, and otherwise the best other
        number is right with probability q and comes as near as c in the mean, that number is worth
        ``(1 - p) (2 q + 0.5 c)`` and "0" ``2.5 p``. "0" pays from p = 0.5 on for one who counts without fault, from
        0.39 for q = 0.6 and c = 0.8, and from 0.26 for q = 0.3 and c = 0.6.
        """
        exact, near, form = (
            float(answer.count == truth.count),
            closeness(answer.count, truth.count),
            _FORMAT(answer, truth),
        )
        return {
            "score": EXACT_WEIGHT * exact + CLOSENESS_WEIGHT * near + FORMAT_WEIGHT * form,
            "exact": exact,
            "closeness": near,
            "format": form,
        }
