# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""No cheat earns more than honesty."""

from __future__ import annotations

import pytest

from verl_visual_rft.rewards.audit import SKILLS, audit
from verl_visual_rft.tasks import load_task
from verl_visual_rft.tasks.audited import audited

PLAYED = audited(load_task("pointing"))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.long)])
def test_no_cheat_beats_honesty(seed: int) -> None:
    (contest,) = audit("robust", ["pointing"], seed=seed).contests
    assert len(contest.standings) == len(PLAYED.cheats)
    assert not contest.beaten


@pytest.mark.long
def test_no_cheat_beats_honesty_where_the_answer_alone_is_asked_for() -> None:
    (contest,) = audit("robust", ["pointing"], think=False).contests
    assert len(contest.standings) == len(PLAYED.cheats) + len(PLAYED.unasked) and not contest.beaten
    leads = {standing.policy.name: standing.lead for standing in contest.standings}
    unasked = {policy.name for policy in PLAYED.unasked} | {"copied reasoning", "no reasoning"}
    assert all(leads[name] <= -0.5 for name in unasked)


@pytest.mark.long
def test_no_cheat_is_far_ahead_on_any_kind_of_questions() -> None:
    """A weak honest policy is near to one that hedges towards the middle, where targets are large."""
    weak, moderate, strong = audit("robust", ["pointing"], skills=SKILLS).contests
    assert weak.honest_score < moderate.honest_score - 0.1 < strong.honest_score - 0.2
    for contest, limit in ((weak, 0.1), (moderate, 0.0), (strong, 0.0)):
        ahead = {
            (kind, standing.policy.name): lead.mean
            for standing in contest.standings
            for kind, lead in standing.leads.items()
            if lead.is_clear and not lead.is_right
        }
        assert all(mean < limit for mean in ahead.values()), (contest.skill, ahead)


def test_the_kinds_of_questions_make_up_all() -> None:
    (contest,) = audit("hit=1", ["pointing"], size=80).contests
    parts = {kind: stratum.n for kind, stratum in contest.strata.items()}
    assert parts["all"] == contest.n_questions == parts["no target"] + parts["with targets"]
    assert parts["with targets"] == parts["one target"] + parts["several targets"]
    assert parts["with targets"] == parts["small objects"] + parts["large objects"]
    assert min(parts.values()) > 5
