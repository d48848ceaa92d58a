# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""By how much an answered number is wrong."""

from __future__ import annotations

from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.counting.answer import CountingAnswer
from verl_visual_rft.tasks.counting.truth import CountingTruth


def absolute_error(sample: Sample) -> int:
    """Return ``|answer - truth|`` in objects; of an answer that cannot be read ``max(truth, 1)``, so never 0."""
    answer, truth = sample.answer, sample.truth
    assert isinstance(answer, CountingAnswer) and isinstance(truth, CountingTruth)
    return max(truth.count, 1) if answer.count is None else abs(answer.count - truth.count)
