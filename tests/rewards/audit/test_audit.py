# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
from audited_tasks import CHEATS, PLAYED, contest_of, winners

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward
from verl_visual_rft.rewards.audit import SKILLS, AuditResult, audit
from verl_visual_rft.rewards.audit.tournament import hold_contest, score_policy, standard_error
from verl_visual_rft.rewards.audit.truth_sets import built_in
from verl_visual_rft.tasks import task_names

#: What `paper` scores; of the other tasks their folders in tests/tasks hold that no cheat wins.
TASKS = ("detection", "classification", "grounding")
#: Of every change the quickest.
ONE_OF_THEM = ["classification", *(pytest.param(task, marks=pytest.mark.long) for task in ("detection", "grounding"))]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2))])
@pytest.mark.parametrize("task", TASKS)
def test_no_cheat_beats_honesty_under_robust(task: str, seed: int) -> None:
    (contest,) = audit("robust", [task], seed=seed).contests
    assert len(contest.standings) == len(CHEATS[task])
    assert not winners(contest)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("task", ONE_OF_THEM)
def test_no_cheat_beats_honesty_under_robust_where_the_answer_alone_is_asked_for(task: str, seed: int) -> None:
    (contest,) = audit("robust", [task], seed=seed, think=False).contests
    assert len(contest.standings) == len(CHEATS[task]) + len(PLAYED[task].unasked)
    assert not winners(contest)
    format_reward = 0.5
    unasked = {policy.name for policy in PLAYED[task].unasked} | {"copied reasoning", "no reasoning"}
    leads = {standing.policy.name: standing.lead for standing in contest.standings}
    assert all(leads[name] <= -format_reward for name in unasked)


@pytest.mark.long
def test_under_paper_the_same_cheats_win_whether_thinking_is_asked_for_or_not() -> None:
    with_thinking, without = (audit("paper", TASKS, size=100, think=think).contests for think in (True, False))
    assert [winners(contest) for contest in without] == [winners(contest) for contest in with_thinking]


def test_under_paper_reasoning_is_worth_nothing() -> None:
    for task in TASKS:
        for standing in contest_of("paper", task, {"copied reasoning", "no reasoning"}, size=50).standings:
            assert standing.lead == pytest.approx(0, abs=1e-12)


def test_a_reward_that_pays_for_cheating_is_beaten_and_a_tie_is_no_win() -> None:
    assert audit("iou=-1", ["detection"], size=20).beaten
    assert not audit("format=1", ["classification"], size=20).beaten


@pytest.mark.parametrize("task", task_names())
def test_honesty_earns_more_the_better_it_sees(task: str) -> None:
    result = audit("robust", [task], size=60, skills=SKILLS)
    assert [contest.skill for contest in result.contests] == list(SKILLS)
    weak, moderate, strong = (contest.honest_score for contest in result.contests)
    assert weak < moderate - 0.1 < strong - 0.2
    assert result.moderate == (result.contests[1],) and result.moderate == audit("robust", [task], size=60).contests


@pytest.mark.parametrize("task", ONE_OF_THEM)
def test_under_robust_no_cheat_is_far_ahead_on_any_kind_of_questions(task: str) -> None:
    """Hardly at all of honesty that sees moderately or well; of a weak one by what its own false alarms cost."""
    for contest in audit("robust", [task], skills=SKILLS).contests:
        ahead = {
            (kind, standing.policy.name): lead.mean
            for standing in contest.standings
            for kind, lead in standing.leads.items()
            if lead.is_clear and not lead.is_right
        }
        if task != "detection":
            assert not ahead
        else:
            limit = 0.1 if contest.skill == "weak" else 0.03
            assert all(mean < limit for mean in ahead.values()), (contest.skill, ahead)


def test_the_same_seed_gives_the_same_result() -> None:
    first, again, other = (audit("paper", ["grounding"], seed=seed, size=20) for seed in (1, 1, 2))
    assert first == again
    assert first.contests[0].honest_score != other.contests[0].honest_score


def test_a_cheat_is_paired_with_the_honest_answer_that_it_builds_on() -> None:
    contest = contest_of("robust", "grounding", {"copied reasoning", "whole image box"}, size=50)
    errors = {standing.policy.name: standing.lead_error for standing in contest.standings}
    assert errors["copied reasoning"] == pytest.approx(0, abs=1e-9)  # always the format's weight less
    assert errors["whole image box"] > 0.01


def test_leads_are_differences_of_means() -> None:
    questions = built_in("grounding", 40, seed=3)
    reward, cheat = load_reward("paper"), CHEATS["grounding"][3]
    contest = hold_contest(reward, questions, PLAYED["grounding"], [cheat], seed=3)
    scores = score_policy(reward, questions, cheat, seed=3)
    assert contest.standings[0].score == pytest.approx(sum(scores) / 40)
    assert contest.standings[0].lead == pytest.approx(contest.standings[0].score - contest.honest_score)


def test_standard_error() -> None:
    assert standard_error([1.0, 3.0]) == pytest.approx(1.0)
    assert math.isnan(standard_error([1.0]))


def test_all_tasks_that_the_reward_and_the_truths_have_are_audited(tmp_path: Path) -> None:
    assert [contest.task for contest in audit("format=1", size=1).contests] == list(task_names())
    assert [contest.task for contest in audit("giou=1", size=1).contests] == ["detection", "grounding"]
    path = tmp_path / "truths.jsonl"
    path.write_text(json.dumps({"task": "grounding", "ground_truth": {"box": [1, 2, 300, 400]}}))
    assert [contest.task for contest in audit("robust", truths=path).contests] == ["grounding"]


@pytest.mark.parametrize(
    ("reward", "tasks", "size", "message"),
    [
        ("rubost", None, 10, "unknown reward 'rubost'"),
        ("robust", ["detectoin"], 10, "unknown task 'detectoin'"),
        ("giou=1", ["classification"], 10, "cannot score classification"),
        ("robust", None, 0, "at least 1"),
    ],
)
def test_a_wrong_request_is_named(reward: str, tasks: list[str] | None, size: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        audit(reward, tasks, size=size)


def test_a_task_that_the_truths_do_not_have_is_named(tmp_path: Path) -> None:
    path = tmp_path / "truths.jsonl"
    path.write_text(json.dumps({"task": "grounding", "ground_truth": {"box": [1, 2, 300, 400]}}))
    with pytest.raises(UserError, match="questions of grounding, but detection"):
        audit("robust", ["detection"], path)


@pytest.fixture(scope="module")
def beaten() -> AuditResult:
    return audit("iou=-1,format=0.1", ["detection"], size=20)


def test_markdown_shows_every_policy_in_order_of_score(beaten: AuditResult) -> None:
    heading, policies, *_ = beaten.to_markdown().strip().split("\n\n")
    columns, _, *rows = policies.split("\n")
    assert heading.startswith("### iou=-1,format=0.1, detection: ")
    assert columns.startswith("| policy | score |")
    assert len(rows) == 1 + len(CHEATS["detection"])
    assert {row.count("|") for row in rows} == {6}
    scores = [float(row.split("|")[2].split("±")[0]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    honesty = next(place for place, row in enumerate(rows) if row.startswith("| honest |"))
    assert all(("beats honesty" in row) is (place < honesty) for place, row in enumerate(rows))


def test_markdown_has_a_line_for_each_kind_of_questions(beaten: AuditResult) -> None:
    columns, rule, *rows = beaten.to_markdown().strip().split("\n\n")[3].split("\n")
    assert columns.startswith("| questions | n | honest |")
    assert {row.count("|") for row in (columns, rule, *rows)} == {8}
    assert [row.split(" | ")[0] for row in rows] == [f"| {kind}" for kind in beaten.contests[0].strata]


def test_the_table_prints_the_same(beaten: AuditResult) -> None:
    from rich.console import Console

    output = io.StringIO()
    Console(file=output, width=250, markup=False).print(*beaten.tables())
    for standing in beaten.contests[0].standings:
        assert standing.policy.description in output.getvalue()
    assert output.getvalue().count("beats honesty") >= 1
