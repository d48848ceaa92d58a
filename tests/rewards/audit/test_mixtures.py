# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Leads in mixtures of questions; tests/tasks/detection/test_mixtures.py holds what docs/audit.md says of them."""

from __future__ import annotations

import pytest

from verl_visual_rft.rewards.audit import Contest, audit
from verl_visual_rft.rewards.audit.mixtures import ahead, lead_in
from verl_visual_rft.tasks.detection.mixtures import MIXTURES
from verl_visual_rft.tasks.detection.mixtures import DetectionMixture as Mixture


@pytest.fixture(scope="module")
def small() -> Contest:
    (contest,) = audit("paper", ["detection"], size=60).contests
    return contest


def test_the_mixture_that_was_asked_has_the_lead_of_all_questions(small: Contest) -> None:
    n = {kind: stratum.n for kind, stratum in small.strata.items()}
    mixture = Mixture(n["no object"] / n["all"], n["one object"] / n["with objects"])
    assert sum(mixture.shares.values()) == pytest.approx(1)
    for standing in small.standings:
        assert lead_in(mixture, standing.leads).mean == pytest.approx(standing.lead)


def test_who_is_ahead_comes_in_order_and_is_right_only_where_all_kinds_say_so(small: Contest) -> None:
    for mixture in MIXTURES:
        means = [lead.mean for lead in ahead(mixture, small).values()]
        assert means == sorted(means, reverse=True) and min(means) > 0
    leads = {standing.policy.name: standing.leads for standing in small.standings}["never no objects"]
    assert lead_in(Mixture(0.0, 0.5), leads).is_right and not lead_in(Mixture(0.1, 0.5), leads).is_right
    assert lead_in(Mixture(0.0, 1.0), leads) == leads["one object"]


def test_the_tables_have_a_line_for_each_mixture_of_the_kinds_that_were_asked() -> None:
    result = audit("iou=-1,format=0.1", size=30)
    page = result.to_markdown()
    (section,) = page.split("Who is clearly ahead, by mixture of questions:\n\n")[1:]  # of detection alone
    columns, _, *rows = section.split("\n\n")[0].strip().split("\n")
    assert columns == "| nothing there | one object, of the others | moderate honesty |"
    assert [row.split(" | ")[:2] for row in rows] == [
        [f"| {100 * mixture.without:.0f} %", f"{100 * mixture.one:.0f} %"] for mixture in MIXTURES
    ]
