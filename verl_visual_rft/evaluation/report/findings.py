# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is right or wrong with an answer, as its task says."""

from __future__ import annotations

from verl_visual_rft.answers import Outcome
from verl_visual_rft.tasks import Sample, load_task
from verl_visual_rft.tasks.findings import Finding


def find(sample: Sample) -> tuple[Finding, ...]:
    """Return what is to be said of an answer, in the order of `Finding`; exactly ``RIGHT`` if nothing is wrong.

    Example:
        >>> from verl_visual_rft.rewards import make_sample
        >>> answer = "<think> a </think> <answer>[{'Position': [0, 0, 100, 20], 'Confidence': 1}]</answer>"
        >>> find(make_sample("detection", answer, {"boxes": [[0, 0, 100, 100], [500, 500, 600, 600]]}))
        (<Finding.MISSED: 'missed'>, <Finding.BADLY_PLACED: 'badly placed'>)
    """
    if sample.answer.outcome in (Outcome.MALFORMED, Outcome.NO_ANSWER):
        return (Finding.MALFORMED,)
    found = load_task(sample.task).find(sample.answer, sample.truth)
    return tuple(finding for finding in Finding if finding in found) or (Finding.RIGHT,)
