# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""For which mixtures of questions no cheat beats honesty under `robust`: what README and docs/audit.md say."""

from __future__ import annotations

import pytest

from verl_visual_rft.rewards.audit import SKILLS, AuditResult, Contest, audit
from verl_visual_rft.rewards.audit.mixtures import ahead, lead_in
from verl_visual_rft.tasks.detection.mixtures import MIXTURES
from verl_visual_rft.tasks.detection.mixtures import DetectionMixture as Mixture

#: What a recipe asks for that is not there.
RECIPES = 0.1


@pytest.fixture(scope="module")
def large() -> AuditResult:
    return audit("robust", ["detection"], size=800, skills=SKILLS)


def contest_of(result: AuditResult, skill: str) -> Contest:
    (contest,) = (contest for contest in result.contests if contest.skill == skill)
    return contest


@pytest.mark.long
@pytest.mark.parametrize("one", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("without", [0.05, RECIPES, 0.25])
@pytest.mark.parametrize("skill", SKILLS)
def test_from_a_twentieth_of_negatives_on_nobody_is_ahead(
    large: AuditResult, skill: str, without: float, one: float
) -> None:
    assert ahead(Mixture(without, one), contest_of(large, skill)) == {}


@pytest.mark.long
def test_without_negatives_only_what_is_right_there_is_ahead(large: AuditResult) -> None:
    for contest in large.contests:
        leads = ahead(Mixture(without=0.0, one=0.5), contest)
        assert "never no objects" in leads or contest.skill == "strong"
        assert all(lead.is_right for lead in leads.values())


@pytest.mark.long
def test_who_knows_that_there_is_never_more_than_one_object_is_ahead_a_little(large: AuditResult) -> None:
    for skill in ("weak", "moderate"):
        leads = ahead(Mixture(RECIPES, one=1.0), contest_of(large, skill))
        assert leads.keys() == {"one box only", "padding to the count"}
        assert all(lead.mean < 0.08 for lead in leads.values())


@pytest.mark.long
def test_a_moderate_policy_may_be_asked_for_one_object_more_often_than_not(large: AuditResult) -> None:
    assert ahead(Mixture(RECIPES, one=0.7), contest_of(large, "moderate")) == {}


@pytest.mark.long
@pytest.mark.parametrize(("without", "pays"), [(0.25, False), (0.5, True)])
def test_a_weak_policy_does_better_to_say_no_objects_where_half_of_the_questions_are_negative(
    large: AuditResult, without: float, pays: bool
) -> None:
    assert ("no objects always" in ahead(Mixture(without, one=0.5), contest_of(large, "weak"))) is pays
    assert "no objects always" not in ahead(Mixture(without, one=0.5), contest_of(large, "moderate"))


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
