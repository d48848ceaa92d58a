# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from verl_visual_rft.datasets.category_lists import COCO_FEWSHOT8, LVIS_FEWSHOT6
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.bootstrap import MeanSd
from verl_visual_rft.evaluation.tables import compare, paper_table, read_measurements


def _compare(number, runs, *setting):
    return compare(paper_table(number), read_measurements(runs), *setting)


def _classes(values, key="ap"):
    return {"per_class": {name: None if ap is None else {key: ap} for name, ap in values.items()}}


def test_one_run(write_run, detection):
    cells = _compare(7, [write_run("a", {"base": detection(10, 5, 6), "rft": detection(30, 20, 22)})]).cells
    assert cells["mAP novel"]["rft"].measured == MeanSd(30.0, None, 1)
    assert cells["mAP novel"]["rft"].paper == 31.3
    assert cells["mAP novel"]["rft"].difference == pytest.approx(-1.3)
    assert (cells["mAP all"]["sft"].measured, cells["mAP all"]["sft"].paper) == (None, 8.9)
    assert cells["mAP all"]["sft"].difference is None


def test_runs_with_several_seeds(write_run, detection):
    runs = [write_run(str(novel), {"rft": detection(novel, 20, 22)}) for novel in (30, 32, 34)]
    assert _compare(7, runs, "7b").cells["mAP novel"]["rft"].measured == MeanSd(32.0, 2.0, 3)


def test_a_figure_without_truth_is_not_measured(write_run, detection):
    cells = _compare(7, [write_run("a", {"rft": detection(None, 20, 22)})]).cells
    assert cells["mAP novel"]["rft"].measured is None
    assert cells["mAP base"]["rft"].measured == MeanSd(20.0, None, 1)


def test_mean_over_categories_is_that_of_each_run(write_run):
    runs = [
        write_run("a", {"rft": _classes(dict.fromkeys(COCO_FEWSHOT8, 10.0))}, {"shots": 4}),
        write_run("b", {"rft": _classes(dict.fromkeys(COCO_FEWSHOT8, 10.0) | {"bus": 26.0})}, {"shots": 4}),
        write_run("c", {"rft": _classes(dict.fromkeys(COCO_FEWSHOT8, 10.0) | {"bus": None})}, {"shots": 4}),
    ]
    comparison = _compare(3, runs)
    assert comparison.shots == 4
    assert comparison.cells["mAP"]["rft"].measured == MeanSd(11.0, pytest.approx(2**0.5), 2)
    assert comparison.cells["mAP"]["rft"].paper == 40.6
    assert comparison.cells["bus"]["rft"].measured.n == 2
    assert comparison.cells["cat"]["rft"].measured.n == 3


def test_lvis_is_compared_with_ap_over_area_ranges(write_run):
    run = write_run("a", {"rft": _classes(dict.fromkeys(LVIS_FEWSHOT6, 12.0), "ap_over_areas")})
    assert _compare(4, [run]).cells["mAP"]["rft"].measured == MeanSd(12.0, None, 1)
    with pytest.raises(UserError, match="no figure of table 4"):
        _compare(4, [write_run("b", {"rft": _classes(dict.fromkeys(LVIS_FEWSHOT6, 12.0), "ap")})])


def test_data_sets_of_a_table_are_told_apart(write_run):
    names = {"flowers102": 70.0, "pets37": 80.0, "fgvc_aircraft": 60.0, "cars196": 90.0}
    runs = [
        write_run(name, {"rft": {"containment": {"value": value}}}, {"dataset": name, "shots": 4})
        for name, value in names.items()
    ]
    cells = _compare(2, runs).cells
    assert [cells[name]["rft"].measured.mean for name in cells] == [75.0, 70.0, 80.0, 60.0, 90.0]
    assert _compare(2, runs[:3]).cells["Average"]["rft"].measured is None


def test_splits_of_a_table_are_told_apart(write_run):
    metrics = {
        "rft/test": {"miou": {"value": 40.0}, "giou": {"value": 35.0}},
        "rft/val": {"miou": {"value": 30.0}, "giou": None},
    }
    cells = _compare(6, [write_run("a", metrics)]).cells
    assert [cells[name]["rft"].measured.mean for name in cells] == [40.0, 30.0, 35.0]


def test_shots_of_the_command_line_come_first(write_run):
    run = write_run("a", {"rft": _classes(dict.fromkeys(COCO_FEWSHOT8, 10.0))}, {"shots": 3})
    with pytest.raises(UserError, match="2b with 3 shots"):
        _compare(3, [run])
    assert _compare(3, [run], "2b", 16).cells["mAP"]["rft"].paper == 46.8


def test_runs_with_different_shots(write_run):
    metrics = _classes(dict.fromkeys(COCO_FEWSHOT8, 10.0))
    runs = [write_run(str(shots), {"rft": metrics}, {"shots": shots}) for shots in (4, 8)]
    with pytest.raises(UserError, match="different numbers of shots"):
        _compare(3, runs)


def test_runs_of_another_experiment(write_run):
    with pytest.raises(UserError, match="no figure of table 7 .*another experiment"):
        _compare(7, [write_run("a", {"rft": {"task": "grounding", "miou": {"value": 3.0}}})])


def test_runs_without_metrics(write_run, tmp_path):
    with pytest.raises(UserError, match="nothing evaluated"):
        read_measurements([tmp_path])
    broken = write_run("a", {"base": {}}) / "eval" / "base" / "metrics.json"
    for text in ("{", "[]"):
        broken.write_text(text)
        with pytest.raises(UserError, match="metrics.json"):
            read_measurements([tmp_path / "a"])
    broken.write_text(json.dumps({}))
    assert [m.method for m in read_measurements([tmp_path / "a"])] == ["base"]
