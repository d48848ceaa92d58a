# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""For which mixtures of questions no cheat beats honesty under `robust`: what README and docs/audit.md say."""

from __future__ import annotations

import pytest

from verl_visual_rft.rewards.audit import SKILLS, AuditResult, Contest, audit
from verl_visual_rft.rewards.audit.mixtures import ahead
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
