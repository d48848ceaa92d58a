# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import shutil

import pytest

from verl_visual_rft.datasets.category_lists import COCO_FEWSHOT8, LVIS_FEWSHOT6, LVIS_NOVEL13
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.bootstrap import Interval, MeanSd
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
    run = write_run("a", {"rft": _classes(dict.fromkeys(LVIS_FEWSHOT6, 12.0), "ap_over_areas")}, dataset="lvis")
    assert _compare(4, [run]).cells["mAP"]["rft"].measured == MeanSd(12.0, None, 1)
    with pytest.raises(UserError, match="no figure of table 4"):
        _compare(4, [write_run("b", {"rft": _classes(dict.fromkeys(LVIS_FEWSHOT6, 12.0), "ap")}, dataset="lvis")])


def test_data_sets_of_a_table_are_told_apart(write_run):
    names = {"flowers102": 70.0, "pets37": 80.0, "fgvc_aircraft": 60.0, "cars196": 90.0}
    runs = [
        write_run(name, {"rft": {"containment": {"value": value}}}, {"shots": 4}, dataset=name)
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
    cells = _compare(6, [write_run("a", metrics, dataset="reasonseg")]).cells
    assert [cells[name]["rft"].measured.mean for name in cells] == [40.0, 30.0, 35.0]


def test_evaluation_sets_of_a_run_belong_to_different_tables(write_run, detection):
    lvis = _classes(dict.fromkeys(LVIS_NOVEL13, 12.0), "ap_over_areas")
    lvis |= {"groups": {name: {"ap": 1.0} for name in ("novel", "base", "all")}}
    run = write_run("a", {"rft/coco": detection(30, 20, 22)})
    shutil.copytree(write_run("b", {"rft/lvis": lvis}, dataset="lvis") / "eval", run / "eval", dirs_exist_ok=True)
    assert _compare(7, [run]).cells["mAP novel"]["rft"].measured == MeanSd(30.0, None, 1)
    assert _compare(8, [run]).cells["mAP"]["rft"].measured == MeanSd(12.0, None, 1)


def test_one_data_set_twice_in_a_run_is_no_two_seeds(write_run, detection):
    run = write_run("a", {"rft/all": detection(30, 20, 22), "rft/map": detection(35, 25, 27)})
    for path in run.rglob("metrics.json"):
        content = json.loads(path.read_text())
        path.write_text(json.dumps(content | {"data": content["data"] | {"split": "val"}}))
    with pytest.raises(UserError, match="rft/all/metrics.json and .*rft/map/metrics.json both have 'mAP novel'"):
        _compare(7, [run])


def test_metrics_beside_folders_of_sets(write_run, detection):
    run = write_run("a", {"rft": detection(30, 20, 22), "rft/lvis": detection(35, 25, 27)})
    with pytest.raises(UserError, match="stands beside lvis/metrics.json"):
        read_measurements([run])


def test_metrics_of_several_predictions_files_are_runs(write_run, detection):
    several = {"task": "detection", "runs": {f"{novel}.jsonl": detection(novel, 20, 22) for novel in (30, 34)}}
    for metrics in several["runs"].values():
        metrics["data"] = {"dataset": "coco", "split": "val"}
    cells = _compare(7, [write_run("a", {"rft": several})]).cells
    assert cells["mAP novel"]["rft"].measured == MeanSd(32.0, pytest.approx(8**0.5), 2)


@pytest.mark.parametrize(
    ("number", "metrics", "dataset", "column"),
    [
        (7, {"groups": {"novel": {"ap": 30.0, "ap_interval": {"low": 28.0, "high": 32.0}}}}, "coco", "mAP novel"),
        (3, {"per_class": {"bus": {"ap": 30.0, "ap_interval": {"low": 28.0, "high": 32.0}}}}, "coco", "bus"),
        (2, {"containment": {"value": 30.0, "n": 9, "low": 28.0, "high": 32.0}}, "pets37", "Pets37"),
    ],
)
def test_a_single_run_has_its_interval(write_run, number, metrics, dataset, column):
    one, two = (write_run(name, {"rft": metrics}, {"shots": 4}, dataset=dataset) for name in "ab")
    assert _compare(number, [one]).cells[column]["rft"].interval == Interval(28.0, 32.0)
    assert _compare(number, [one, two]).cells[column]["rft"].interval is None


def test_mean_over_data_sets_is_that_of_each_seed(write_run):
    runs = [
        write_run(
            f"{name}{seed}", {"rft": {"containment": {"value": value + seed}}}, {"shots": 4, "seed": seed}, dataset=name
        )
        for seed in (0, 2, 4)
        for name, value in {"flowers102": 70.0, "pets37": 80.0, "fgvc_aircraft": 60.0, "cars196": 90.0}.items()
    ]
    assert _compare(2, runs).cells["Average"]["rft"].measured == MeanSd(77.0, 2.0, 3)
    assert _compare(2, runs[:-1]).cells["Average"]["rft"].measured == MeanSd(76.0, pytest.approx(2**0.5), 2)


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
    with pytest.raises(UserError, match="no figure of table 7 .*groups.novel.ap of coco.*another experiment"):
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
