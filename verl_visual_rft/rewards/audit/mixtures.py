# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Mixtures of questions: a lead over all of them is the mean of the leads by kind, weighted by their shares.

A policy answers each question by itself, so that one contest tells the outcome on any mixture of its questions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from verl_visual_rft.rewards.audit.tournament import Contest, Lead
from verl_visual_rft.tasks.audited import Mixture


def lead_in(mixture: Mixture, leads: Mapping[str, Lead]) -> Lead:
    """Return a cheat's lead on a mixture; it is right there if it is right in all kinds of the mixture.

    Args:
        mixture: Whose kinds `leads` has.
        leads: By kind of question.
    """
    parts = [(share, leads[kind]) for kind, share in mixture.shares.items()]
    return Lead(
        sum(share * lead.mean for share, lead in parts),
        math.hypot(*(share * lead.error for share, lead in parts)),
        all(lead.is_right for _, lead in parts),
    )


def ahead(mixture: Mixture, contest: Contest) -> dict[str, Lead]:
    """Return who is ahead of honesty on a mixture by more than two standard errors, by name, the first first.

    Example:
        >>> from verl_visual_rft.rewards.audit import audit
        >>> from verl_visual_rft.tasks.detection.mixtures import DetectionMixture
        >>> (contest,) = audit("robust", tasks=["detection"], size=100).contests
        >>> ahead(DetectionMixture(without=0.25, one=0.5), contest)
        {}
    """
    leads = {standing.policy.name: lead_in(mixture, standing.leads) for standing in contest.standings}
    clear = [name for name, lead in leads.items() if lead.is_clear]
    return {name: leads[name] for name in sorted(clear, key=lambda name: leads[name].mean, reverse=True)}
