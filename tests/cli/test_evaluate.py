# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft eval`` as a user runs it, on data that the scripts prepared."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from commands import data_prep, visual_rft
from shared_inputs import shared

from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.miniature.originals import write_fake
from verl_visual_rft.tasks.classification.prompt import classification_answer
from verl_visual_rft.tasks.detection.prompt import detection_answer
from verl_visual_rft.tasks.grounding.prompt import grounding_answer

REPOSITORY = Path(__file__).parents[2]
REAL_PICTURE = "8451614203_e6484a2cb4_o"

# Importing them fails, as where they are not installed; what tries to start CUDA would have to import one of them.
WITHOUT_HEAVY_LIBRARIES = """
import sys
for name in ("torch", "torchvision", "transformers", "verl", "vllm", "ray", "tensordict"):
    sys.modules[name] = None
from verl_visual_rft.cli import main
main()
"""


def without_heavy_libraries(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_HEAVY_LIBRARIES, *map(str, arguments)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "100"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)


def evaluated(out: Path, *arguments: str | Path) -> tuple[dict[str, Any], str]:
    done = visual_rft("eval", *arguments, "--out", out, COLUMNS="100")
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text()), done.stdout


def refused(*arguments: str | Path) -> str:
    done = visual_rft(*arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    return done.stderr


def prepare(script: str, *arguments: str | Path) -> None:
    done = data_prep(script, *arguments)
    assert done.returncode == 0, done.stderr


def right(task: str, truth: Mapping[str, Any]) -> str:
    """The right answer to a question."""
    if task == "classification":
        return classification_answer(truth["label"], thinking="petals")
    if task == "grounding":
        return grounding_answer([truth["box"]], thinking="there")
    return detection_answer(truth["boxes"], thinking="there")


def answer(parquet: Path, out: Path, respond: Callable[[str, Mapping[str, Any], int], str]) -> Path:
    """Write a predictions file with ``respond(task, truth, index)`` for each row."""
    with out.open("a") as file:
        for row in pq.read_table(parquet, columns=["ability", "reward_model", "extra_info"]).to_pylist():
            extra, truth = row["extra_info"], row["reward_model"]["ground_truth"]
            asked = {key: extra[key] for key in ("index", "image_id", "category", "category_id", "width", "height")}
            response = respond(row["ability"], json.loads(truth), extra["index"])
            prediction = Prediction(
                task=row["ability"],
                ground_truth=truth,
                response=response,
                response_tokens=len(response),
                finish_reason="stop",
                **asked,
            )
            file.write(prediction.to_line())
    return out


def all_right(task: str, truth: Mapping[str, Any], index: int) -> str:
    return right(task, truth)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A prepared folder for each task."""
    pytest.importorskip("cv2", reason="OpenCV, which draws the masks of ReasonSeg, is not installed")
    root = tmp_path_factory.mktemp("data")
    for name in ("flowers102", "coco", "reasonseg"):
        write_fake(name, root / "original" / name, 0)
    prepare("flowers102.py", "--root", root / "original/flowers102", "--out", root / "classification", "--shots", "2")
    prepare("lisa.py", "--root", root / "original/reasonseg", "--out", root / "grounding")
    coco = ("--shots", "2", "--base-categories", "coco-fewshot8", "--val-negatives", "0.5")
    prepare("coco.py", "--root", root / "original/coco", "--out", root / "detection", *coco)
    return {task: root / task for task in ("detection", "classification", "grounding")}


def test_right_answers_to_each_task_where_torch_and_verl_cannot_be_imported(folders, tmp_path):
    for task, figures in {
        "detection": ("map_all",),
        "classification": ("strict", "closed_set", "containment"),
        "grounding": ("miou",),
    }.items():
        predictions = answer(folders[task] / "val.parquet", tmp_path / f"{task}.jsonl", all_right)
        out = tmp_path / f"{task}.json"
        done = without_heavy_libraries("eval", predictions, "--data", folders[task], "--out", out)
        assert done.returncode == 0, done.stderr
        metrics, printed = json.loads(out.read_text()), done.stdout
        assert (metrics["task"], metrics["format_rate"], metrics["reward_name"]) == (task, 1.0, "robust")
        for name in figures:
            figure = metrics[name]
            assert (figure["value"] if isinstance(figure, dict) else figure) == pytest.approx(100)
        assert f"{metrics['n']} " in printed and "95 % interval" in printed


def test_the_split_is_found_and_wrong_answers_are_confused(folders, tmp_path):
    def first_two_wrong(task: str, truth: Mapping[str, Any], index: int) -> str:
        others = [label for label in truth["labels"] if label != truth["label"]]
        return classification_answer(others[0], thinking="?") if index < 2 else right(task, truth)

    test = folders["classification"] / "test.parquet"
    predictions = answer(test, tmp_path / "p.jsonl", first_two_wrong)
    metrics, printed = evaluated(tmp_path / "m.json", predictions, "--data", folders["classification"])
    n = metrics["n"]
    assert n == pq.read_metadata(test).num_rows
    assert metrics["strict"]["value"] == pytest.approx(100 * (n - 2) / n)
    assert sum(confusion["count"] for confusion in metrics["confusions"]) == 2
    assert "most often confused" in printed


def test_a_real_reasonseg_picture_reaches_the_reference_iou_from_original_to_metrics(tmp_path):
    pytest.importorskip("cv2", reason="OpenCV, which draws the masks of ReasonSeg, is not installed")
    write_fake("reasonseg", tmp_path / "original", 0)
    for end in ("jpg", "json"):
        real = shared(f"data/reasonseg/val_{REAL_PICTURE}.{end}")
        shutil.copy(real, tmp_path / f"original/val/{REAL_PICTURE}.{end}")
    prepare("lisa.py", "--root", tmp_path / "original", "--out", tmp_path / "data")
    parquet = tmp_path / "data/val.parquet"
    rows = pq.read_table(parquet, columns=["extra_info"]).to_pylist()
    place = [row["extra_info"]["image_id"] for row in rows].index(REAL_PICTURE)

    def that_one_only(task: str, truth: Mapping[str, Any], index: int) -> str:
        return right(task, truth) if index == place else "no idea"

    predictions = answer(parquet, tmp_path / "p.jsonl", that_one_only)
    metrics, printed = evaluated(tmp_path / "m.json", predictions, "--data", tmp_path / "data")
    n = metrics["n"]
    assert (metrics["failed"], metrics["miou"]["n"]) == (n - 1, n)
    assert metrics["miou"]["value"] == pytest.approx(100 / n)
    assert metrics["box_giou"]["value"] == pytest.approx(100 * 27701 / 59521 / n, abs=1e-9)
    assert metrics["giou"] is None
    assert f"{n - 1} of {n} answers failed and count 0" in " ".join(printed.split())


def test_several_runs_give_mean_and_standard_deviation(folders, tmp_path):
    def wrong_below(limit: int) -> Callable[[str, Mapping[str, Any], int], str]:
        return lambda task, truth, index: "?" if index < limit else right(task, truth)

    parquet = folders["classification"] / "val.parquet"
    runs = [answer(parquet, tmp_path / f"{limit}.jsonl", wrong_below(limit)) for limit in (0, 2, 4)]
    metrics, printed = evaluated(tmp_path / "m.json", *runs, "--data", folders["classification"])
    n = pq.read_metadata(parquet).num_rows
    assert metrics["mean_sd"]["strict"] == pytest.approx({"mean": 100 * (n - 2) / n, "sd": 200 / n, "n": 3})
    assert [*metrics["runs"]] == [str(run) for run in runs]
    assert "mean ± sd" in printed and f"± {200 / n:.2f}" in printed


def test_a_file_of_several_tasks_is_evaluated_one_by_one(folders, tmp_path):
    predictions = tmp_path / "p.jsonl"
    for task in ("classification", "grounding"):
        answer(folders[task] / "val.parquet", predictions, all_right)
    data = folders["grounding"]
    message = refused("eval", predictions, "--data", data, "--out", tmp_path / "m.json")
    assert "classification and grounding" in message and "--task" in message
    metrics, _ = evaluated(tmp_path / "m.json", predictions, "--data", data, "--task", "grounding")
    assert metrics["miou"]["value"] == 100
    assert "none to detection" in refused(
        "eval", predictions, "--data", data, "--out", tmp_path / "m.json", "--task", "detection"
    )


def test_ap_behind_an_existence_stage_is_printed_beside_its_ceiling(folders, tmp_path):
    def boxes_everywhere(task: str, truth: Mapping[str, Any], index: int) -> str:
        return detection_answer(truth["boxes"] or [(0, 0, 999, 999)], thinking="there")

    predictions = answer(folders["detection"] / "val.parquet", tmp_path / "p.jsonl", boxes_everywhere)
    arguments = (predictions, "--data", folders["detection"], "--existence", "oracle")
    metrics, printed = evaluated(tmp_path / "m.json", *arguments)
    assert metrics["map_all"] < metrics["existence"]["oracle"]["map_all"] == pytest.approx(100)
    assert metrics["existence"]["oracle"]["ap_ceilings"]["all"] == pytest.approx(100)
    assert "100.0 of 100.0" in printed
    grounding = answer(folders["grounding"] / "val.parquet", tmp_path / "g.jsonl", all_right)
    said = refused("eval", grounding, "--data", folders["grounding"], "--out", tmp_path / "n.json", *arguments[3:])
    assert "--existence is of detection" in said


def test_equal_input_gives_equal_bytes(folders, tmp_path):
    predictions = answer(folders["grounding"] / "test.parquet", tmp_path / "p.jsonl", all_right)
    for name in ("a.json", "b.json"):
        evaluated(tmp_path / name, predictions, "--data", folders["grounding"])
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def as_another_picture(line: str) -> str:
    return re.sub(r'"image_id": "', '"image_id": "x', line)


@pytest.mark.parametrize("task", ["detection", "classification", "grounding"])
@pytest.mark.parametrize(
    ("spoil", "messages"),
    [
        pytest.param(lambda lines: [], ["the file is empty", "run `visual-rft predict` again"], id="empty"),
        pytest.param(
            lambda lines: [*lines[:-1], lines[-1][:40]],
            ["line {n} is not JSON", "ends in the middle of it", "run predict again"],
            id="cut last line",
        ),
        pytest.param(
            lambda lines: lines[1:],
            ["1 of {n} {task} questions of", "have no answer", "index 0", "run predict again"],
            id="missing answer",
        ),
        pytest.param(
            lambda lines: [*lines, lines[0]],
            ["line {n+1}: index 0", "answered twice, first on line 1", "remove one"],
            id="duplicate",
        ),
        pytest.param(
            lambda lines: [lines[0], as_another_picture(lines[1]), *lines[2:]],
            ["line 2: image_id of index 1 is", "give the data that were asked about"],
            id="unknown image",
        ),
    ],
)
def test_files_that_do_not_answer_the_data_are_refused_and_nothing_is_written(tmp_path, folders, task, spoil, messages):
    full = answer(folders[task] / "val.parquet", tmp_path / "full.jsonl", all_right)
    lines = full.read_text().splitlines(keepends=True)
    predictions = tmp_path / "p.jsonl"
    predictions.write_text("".join(spoil(lines)))
    said = " ".join(refused("eval", predictions, "--data", folders[task], "--out", tmp_path / "m.json").split())
    assert "p.jsonl: " in said
    for message in messages:
        expected = message.replace("{n}", str(len(lines))).replace("{n+1}", str(len(lines) + 1))
        assert expected.replace("{task}", task) in said
    assert not (tmp_path / "m.json").exists()


def test_answers_in_another_coordinate_space_are_evaluated_with_a_warning(folders, tmp_path):
    def in_other_coordinates(task: str, truth: Mapping[str, Any], index: int) -> str:
        return detection_answer([[5 * value for value in box] for box in truth["boxes"]], thinking="there")

    predictions = answer(folders["detection"] / "val.parquet", tmp_path / "p.jsonl", in_other_coordinates)
    metrics, printed = evaluated(tmp_path / "m.json", predictions, "--data", folders["detection"])
    assert any("coordinates are beyond 1000" in warning for warning in metrics["warnings"])
    assert "warning: " in printed and "--family" in printed


def test_a_map_that_lacks_pictures_is_refused(folders, tmp_path):
    predictions = answer(folders["detection"] / "val.parquet", tmp_path / "p.jsonl", all_right)
    (tmp_path / "map.json").write_text(json.dumps({"no picture of these": ["cat"]}))
    arguments = (predictions, "--data", folders["detection"], "--existence", tmp_path / "map.json")
    said = " ".join(refused("eval", *arguments, "--out", tmp_path / "m.json").split())
    assert "map.json says nothing about image" in said and "it was made for other pictures" in said
    assert not (tmp_path / "m.json").exists()


def test_categories_without_ground_truth_are_left_out_and_named(folders, tmp_path):
    data = shutil.copytree(folders["detection"], tmp_path / "data")
    path = data / "val_annotations.json"
    annotations = json.loads(path.read_text())
    category = annotations["categories"][0]
    kept = [entry for entry in annotations["annotations"] if entry["category_id"] != category["id"]]
    path.write_text(json.dumps(annotations | {"annotations": kept}))
    predictions = answer(data / "val.parquet", tmp_path / "p.jsonl", all_right)
    metrics, printed = evaluated(tmp_path / "m.json", predictions, "--data", data)
    assert metrics["per_class"][category["name"]] is None
    assert category["name"] in metrics["groups"]["all"]["without_truth"]
    assert "without ground truth, left out of the means" in printed


def test_predictions_behind_an_existence_stage_are_whole_and_have_no_second_one(folders, tmp_path):
    predictions, data = tmp_path / "p.jsonl", folders["detection"]
    saved = answer(data / "val.parquet", tmp_path / "saved.jsonl", all_right)
    replay = ("--engine", "replay", "--responses", saved, "--data", data / "val.parquet", "--existence", "oracle")
    done = visual_rft("predict", *replay, "--out", predictions)
    assert done.returncode == 0, done.stderr
    metrics, printed = evaluated(tmp_path / "m.json", predictions, "--data", data)
    assert metrics["n"] < len(saved.read_text().splitlines())
    assert metrics["existence"]["oracle, in predict"]["quality"]["precision"] == 1
    assert "behind an existence stage" in printed
    again = ("eval", predictions, "--data", data, "--out", tmp_path / "n.json")
    assert "behind an existence stage already" in " ".join(refused(*again, "--existence", "oracle").split())
    predictions.write_text("".join(predictions.read_text().splitlines(keepends=True)[1:]))
    assert "let" in (said := " ".join(refused(*again).split())) and "questions through" in said


def test_a_file_that_cannot_be_written_is_named(folders, tmp_path):
    predictions = answer(folders["grounding"] / "val.parquet", tmp_path / "p.jsonl", all_right)
    said = refused("eval", predictions, "--data", folders["grounding"], "--out", predictions / "m.json")
    assert "cannot write" in said


def test_segment_says_what_is_missing_where_torch_cannot_be_imported(folders, tmp_path):
    predictions = answer(folders["grounding"] / "test.parquet", tmp_path / "p.jsonl", all_right)
    out = tmp_path / "m.jsonl"
    done = without_heavy_libraries("segment", predictions, "--data", folders["grounding"], "--out", out)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert "SAM needs torch and transformers" in done.stderr
    assert not (tmp_path / "m.jsonl").exists()
