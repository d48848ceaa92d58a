# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The published code's reward for classification (``grpo_classification.py``), bug for bug; see `published_code`."""

from __future__ import annotations

from verl_visual_rft.tasks.classification.truth import ClassificationTruth
from verl_visual_rft.tasks.published_code import SymbolicCheck, answer_text, has_published_format, published_total


class Reference(SymbolicCheck):
    """The published code, bug for bug; for comparison only, it is easily gamed."""

    range = (0.0, 2.0)
    weights = {"accuracy": 1.0, "format": 1.0}

    def __call__(self, response: str, truth: ClassificationTruth) -> dict[str, float]:
        """Score a classification response: ``score = accuracy + format`` (grpo_classification.py).

        - ``accuracy``: 1 if the answer contains the class name or the class name the answer, spaces, underscores and
          case ignored (so the empty answer is right); 1 if the symbolic check fires. Without an answer block on one
          line the whole response is the answer.
        - ``format``: 1 if the whole response is think tags, then answer tags, with no white space around them.
        """
        right = self.passes_symbolic_check(response, truth.solution) or _either_contains(response, truth.solution)
        return published_total({"accuracy": float(right), "format": has_published_format(response)})


def _either_contains(response: str, solution: str) -> bool:
    answer, name = (answer_text(text).replace(" ", "").replace("_", "").lower() for text in (response, solution))
    return name in answer or answer in name
