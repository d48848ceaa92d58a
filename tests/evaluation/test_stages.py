# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of AP behind existence stages, from answers to all questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.evaluate import evaluate
from verl_visual_rft.evaluation.existence import StageQuality


def write_map(path: Path, present: dict[str, list[str]]) -> str:
    path.write_text(json.dumps(present))
    return str(path)


@pytest.fixture
def predictions(write_predictions, perfect, answer) -> Path:
    """All right, but for a confident red square in the empty picture 3."""
    return write_predictions([*perfect[:3], answer(([100, 100, 400, 400], 1.0))])


def test_a_map_that_misses_a_disc_caps_its_ap_and_keeps_the_false_alarm(prepared, predictions, tmp_path):
    missing_disc = write_map(tmp_path / "map.json", {"1": ["red square"], "2": ["red disc"], "3": ["red square"]})
    result = evaluate(predictions, prepared, "paper", existence=[missing_disc]).result
    (stage,) = result.stages
    assert (stage.asked, stage.metrics.n, result.metrics.n) == (3, 3, 4)
    # Pictures 1 to 3 by three categories: three objects, of which two are claimed, and one false claim.
    assert stage.quality == StageQuality(pairs=9, claimed=3, precision=2 / 3, recall=2 / 3)
    assert stage.ceilings == pytest.approx({"base": 50, "novel": 100, "all": 200 / 3})
    behind = {name: stage.metrics.groups[name].ap for name in stage.ceilings}
    assert behind == pytest.approx({"base": 25, "novel": 100, "all": 50}), "the square's AP is halved, the disc's 0"


def test_the_oracle_lets_no_false_alarm_through(prepared, predictions):
    result = evaluate(predictions, prepared, "paper", existence=["oracle"]).result
    (stage,) = result.stages
    assert result.metrics.groups["all"].ap == pytest.approx(250 / 3)
    assert stage.metrics.groups["all"].ap == pytest.approx(100)
    assert (stage.quality.precision, stage.quality.recall) == (1, 1)
    assert stage.ceilings == pytest.approx({"base": 100, "novel": 100, "all": 100})


def test_the_metrics_of_all_answers_stay_what_they_are(prepared, predictions, tmp_path):
    everything = {str(number): ["red square", "blue disc", "red disc"] for number in (1, 2, 3)}
    modes = ["oracle", write_map(tmp_path / "map.json", everything)]
    content = evaluate(predictions, prepared, "paper", existence=modes).result.to_dict()
    existence = content.pop("existence")
    assert content == evaluate(predictions, prepared, "paper").result.to_dict()
    assert [*existence] == modes
    assert existence[modes[1]]["map_all"] == content["map_all"]
    assert existence[modes[1]]["intervals"]["all"] == content["intervals"]["map_all"]
    assert existence[modes[1]]["quality"] == {"pairs": 9, "claimed": 9, "precision": 1 / 3, "recall": 1.0}
    json.dumps({**content, "existence": existence}, allow_nan=False)


def test_a_group_without_ground_truth_has_no_ceiling(prepared, predictions):
    manifest = json.loads((prepared / "manifest.json").read_text())
    (prepared / "manifest.json").write_text(json.dumps({**manifest, "categories": {"base": ["red disc"], "novel": []}}))
    (stage,) = evaluate(predictions, prepared, "paper", existence=["oracle"]).result.stages
    assert stage.ceilings == {"base": pytest.approx(100), "novel": None, "all": pytest.approx(100)}


@pytest.fixture
def asked_behind_a_stage(write_predictions, perfect) -> Path:
    """Answers behind a stage that let rows 0 and 3 through: the disc of picture 1 and that of picture 2 are missed."""
    path = write_predictions(perfect)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[3])
    stage = {"mode": "self", "questions": 4, "asked": 2, "precision": 0.5, "recall": 1 / 3, "unreadable": 0}
    path.with_suffix(".meta.json").write_text(json.dumps({"existence": stage}))
    return path


def test_answers_made_behind_a_stage_have_its_quality_and_ceiling(prepared, asked_behind_a_stage):
    result = evaluate(asked_behind_a_stage, prepared, "paper").result
    (stage,) = result.stages
    assert (stage.mode, stage.asked) == ("self, in predict", 2)
    assert stage.quality == StageQuality(pairs=4, claimed=2, precision=0.5, recall=1 / 3)
    assert stage.ceilings == pytest.approx({"base": 50, "novel": 0, "all": 100 / 3})
    assert stage.metrics == result.metrics
    existence = result.to_dict()["existence"]["self, in predict"]
    assert existence["map_all"] == result.to_dict()["map_all"] == pytest.approx(100 / 3), "all that can be reached"


def test_a_second_stage_is_refused(prepared, asked_behind_a_stage):
    with pytest.raises(UserError, match=r"--existence oracle: .*existence stage already \(self, 2 of 4 questions\)"):
        evaluate(asked_behind_a_stage, prepared, "paper", existence=["oracle"])


def test_without_a_stage_there_is_nothing_to_say_of_one(prepared, predictions):
    assert "existence" not in evaluate(predictions, prepared, "paper").result.to_dict()


@pytest.mark.parametrize(
    ("present", "message"),
    [
        ({"1": ["red square"]}, "says nothing about image 2"),
        ({"1": [], "2": [], "3": []}, "no answer is left"),
        ({}, "no existence map"),
    ],
)
def test_maps_that_do_not_fit_are_refused(prepared, predictions, tmp_path, present, message):
    with pytest.raises(UserError, match=message):
        evaluate(predictions, prepared, "paper", existence=[write_map(tmp_path / "map.json", present)])


def test_a_map_that_is_no_file_is_refused(prepared, predictions):
    with pytest.raises(UserError, match="cannot read nowhere.json"):
        evaluate(predictions, prepared, "paper", existence=["nowhere.json"])
