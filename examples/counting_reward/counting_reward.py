# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A reward of one's own, named in this package's entry points."""


class Counting:
    """Pays for the right number of boxes, wherever they are."""

    range = (0.0, 1.0)

    def detection(self, answer, truth):
        """Score a detection answer.

        - ``score``: min(n, m) / max(n, m) of n answered and m true boxes; without objects 1 for saying so.
        """
        n, m = answer.n_boxes, len(truth.boxes)
        if n and m:
            return min(n, m) / max(n, m)
        return float(n == m and answer.outcome == "no_objects")
