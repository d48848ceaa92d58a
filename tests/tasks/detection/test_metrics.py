# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from shared_inputs import shared

from verl_visual_rft.datasets.category_lists import COCO_BASE65, COCO_FEWSHOT8, COCO_NOVEL15
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.evaluate import evaluate
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.prepared import PreparedTruth
from verl_visual_rft.evaluation.results import score_answers
from verl_visual_rft.tasks.detection.metrics.figures import DetectionMetrics
from verl_visual_rft.tasks.detection.metrics.group_ap import category_groups
from verl_visual_rft.tasks.detection.metrics.measure import measure_detection

NO_OBJECTS = "<think> I look. </think> <answer>No Objects</answer>"


def edit_lines(path: Path, edit) -> Path:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    edit(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def measure(predictions: Path, data: Path, reward: str = "robust") -> DetectionMetrics:
    return evaluate(predictions, data, reward).result.metrics


def edit_rows(parquet: Path, edit) -> None:
    rows = pq.read_table(parquet).to_pylist()
    edit(rows)
    pq.write_table(pa.Table.from_pylist(rows), parquet)


def test_perfect_answers(prepared, write_predictions, perfect):
    metrics = measure(write_predictions(perfect), prepared)
    assert {name: group.ap for name, group in metrics.groups.items()} == pytest.approx(
        {"base": 100.0, "novel": 100.0, "all": 100.0}
    )
    assert (metrics.n, metrics.images, metrics.rules) == (4, 3, "coco")
    assert (metrics.counts.boxes, metrics.answers.format_rate, metrics.mean_iou) == (3, 1.0, 1.0)
    assert metrics.answers.outcomes == {"no_objects": 1, "well_formed": 3}
    assert metrics.warnings == ()


def test_each_group_is_the_mean_of_its_categories(prepared, write_predictions, perfect):
    responses = [perfect[0], NO_OBJECTS, NO_OBJECTS, NO_OBJECTS]
    metrics = measure(write_predictions(responses), prepared)
    assert {name: group.ap for name, group in metrics.groups.items()} == pytest.approx(
        {"base": 50.0, "novel": 0.0, "all": 100 / 3}
    )
    assert metrics.mean_iou == pytest.approx(0.5)
    assert metrics.mean_iou_present == pytest.approx(1 / 3)


@pytest.mark.parametrize("reward", ["paper", "robust", "robust-1", "giou=1", "format=1"])
def test_f1_and_mean_iou_do_not_depend_on_the_reward(prepared, write_predictions, perfect, answer, reward):
    half, away = ([100, 100, 400, 250], 0.9), ([900, 900, 990, 990], 0.1)
    path = write_predictions([answer(half, away), perfect[1], NO_OBJECTS, answer(away)])
    metrics = measure(path, prepared, reward)
    # Boxes and objects: 2 and 1, one found; 1 and 1, found; 0 and 1; 1 and 0.
    assert metrics.f1.value == pytest.approx(100 * 2 * 2 / (3 + 2 + 1 + 1))
    assert metrics.f1.low < metrics.f1.value < metrics.f1.high
    overlap = 0.5
    assert metrics.mean_iou == pytest.approx((2 * overlap / 3 + 1 + 0 + 0) / 4)
    assert metrics.mean_iou_present == pytest.approx((2 * overlap / 3 + 1 + 0) / 3)
    content = metrics.to_dict()
    assert content["f1"]["value"] == metrics.f1.value and "mean_iou" in content["intervals"]


def test_a_box_that_cannot_be_valid_costs_f1(prepared, write_predictions, perfect, answer):
    broken = answer(([100, 100, 400, 400], 0.9), ([400, 400, 100, 100], 0.9))
    metrics = measure(write_predictions([broken, *perfect[1:]]), prepared)
    assert metrics.f1.value == pytest.approx(100 * 2 * 3 / (4 + 3))


def test_intervals_hold_the_figures_and_repeat(prepared, write_predictions, perfect):
    path = write_predictions([perfect[0], NO_OBJECTS, perfect[2], NO_OBJECTS])
    metrics = measure(path, prepared)
    assert metrics == measure(path, prepared)
    figure = metrics.figures()["map_all"]
    assert figure.n == 3, "categories"
    # Picture 1 holds one found and one missed object, picture 2 a found one: alone they have 50 and 100.
    assert (figure.low, figure.value, figure.high) == pytest.approx((50.0, 200 / 3, 100.0))
    for name, interval in metrics.intervals.items():
        assert interval.low <= metrics.to_dict()[name] <= interval.high, name


def test_what_is_wrong_with_answers_is_counted(prepared, write_predictions, answer):
    responses = [
        answer(([100, 100, 400, 400], 0.9), ([100, 100, 400, 400], 0.8), ([400, 400, 100, 100], 0.9)),
        answer(([500, 500, 700, 900], None)),
        "I see a disc.",
        "<answer>[</answer>",
    ]
    metrics = measure(write_predictions(responses), prepared)
    counts = metrics.counts
    assert (counts.boxes, counts.duplicate_boxes, counts.invalid_boxes) == (2, 1, 1)
    assert counts.boxes_without_confidence == 1
    assert metrics.per_class["blue disc"].ap == pytest.approx(100.0), "a box without confidence stays in AP"
    assert metrics.calibration.n == 1, "but says nothing of calibration"
    assert metrics.answers.outcomes == {"malformed": 1, "no_answer": 1, "repaired": 2}


def test_a_box_without_confidence_ranks_last(prepared, write_predictions, perfect, answer):
    wrong, right = [0, 0, 90, 90], [500, 500, 700, 900]
    for confidence, expected in ((None, 50.0), (0.0, 50.0), (0.3, 100.0)):
        response = answer((right, confidence), (wrong, 0.1))
        metrics = measure(write_predictions([perfect[0], response, perfect[2], NO_OBJECTS]), prepared)
        assert metrics.per_class["blue disc"].ap == pytest.approx(expected)
    response = answer((wrong, None), (right, 0.0))
    metrics = measure(write_predictions([perfect[0], response, perfect[2], NO_OBJECTS]), prepared)
    assert metrics.per_class["blue disc"].ap == pytest.approx(100.0), "behind confidence 0, too"


def test_objects_that_nobody_asked_for_are_missed_and_counted(prepared, write_predictions, perfect):
    edit_rows(prepared / "val.parquet", lambda rows: rows.pop(1))
    path = edit_lines(write_predictions(perfect), lambda lines: lines.pop(1))
    metrics = measure(path, prepared)
    assert metrics.per_class["blue disc"].ap == 0.0
    assert (metrics.counts.truths, metrics.counts.truths_not_asked) == (3, 1)


def test_coordinates_of_a_family_that_answers_in_pixels(prepared, write_predictions, answer):
    def in_resized_pixels(lines: list[dict]) -> None:
        for line in lines:
            boxes = [
                [x1 * 0.224, y1 * 0.112, x2 * 0.224, y2 * 0.112]
                for x1, y1, x2, y2 in json.loads(line["ground_truth"])["boxes"]
            ]
            line["ground_truth"] = json.dumps({"boxes": boxes, "extent": [224, 112]})
            line["response"] = answer(*((box, 0.9) for box in boxes)) if boxes else NO_OBJECTS

    path = edit_lines(write_predictions([NO_OBJECTS] * 4), in_resized_pixels)
    truths = iter(json.loads(line)["ground_truth"] for line in path.read_text().splitlines())
    edit_rows(
        prepared / "val.parquet",
        lambda rows: [row["reward_model"].update(ground_truth=next(truths)) for row in rows],
    )
    assert measure(path, prepared).groups["all"].ap == pytest.approx(100.0)


def test_federated_truth_takes_the_rules_of_lvis(prepared, write_predictions, perfect, answer):
    path = prepared / "val_annotations.json"
    annotations = json.loads(path.read_text())
    for image in annotations["images"]:
        image |= {"neg_category_ids": [], "not_exhaustive_category_ids": []}
    for category in annotations["categories"]:
        category["frequency"] = "r"
    path.write_text(json.dumps(annotations))
    stray = answer(([0, 0, 500, 500], 1.0))

    metrics = measure(write_predictions([*perfect[:3], stray]), prepared)

    assert metrics.rules == "lvis"
    assert metrics.groups["all"].ap == pytest.approx(100.0), "nobody looked for a red square in picture 3"
    assert metrics.groups["all"].ap_over_areas == pytest.approx(100.0)
    assert metrics.summary["APr"] == pytest.approx(100.0)
    assert "AP over areas" in rendered(metrics)


def test_category_without_ground_truth_is_left_out_and_named(prepared, write_predictions, perfect):
    annotations = json.loads((prepared / "val_annotations.json").read_text())
    annotations["annotations"] = [a for a in annotations["annotations"] if a["category_id"] != 2]
    (prepared / "val_annotations.json").write_text(json.dumps(annotations))
    metrics = measure(write_predictions(perfect), prepared)
    assert metrics.per_class["blue disc"] is None
    assert (metrics.groups["base"].classes, metrics.groups["base"].without_truth) == (1, ("blue disc",))
    assert metrics.groups["base"].ap == pytest.approx(100.0)
    assert "without ground truth, left out of the means: blue disc" in rendered(metrics)


def test_json_has_the_means_at_the_top(prepared, write_predictions, perfect):
    record = json.loads(json.dumps(measure(write_predictions(perfect), prepared, "paper").to_dict()))
    assert record["task"] == "detection"
    assert record["map_novel"] == pytest.approx(100.0)
    # One picture shows a category of the group: how many others would be all wrong, it cannot say.
    assert record["intervals"]["map_novel"] == {"low": pytest.approx(2.5), "high": pytest.approx(100.0)}
    assert record["per_class"]["red disc"]["ap75"] == pytest.approx(100.0)
    assert (record["reward_name"], record["format_rate"], record["boxes"]) == ("paper", 1.0, 3)


def test_questions_about_pictures_without_annotations_are_refused(prepared, write_predictions, perfect):
    path = prepared / "val_annotations.json"
    annotations = json.loads(path.read_text())
    path.write_text(json.dumps(annotations | {"images": annotations["images"][:1], "annotations": []}))
    with pytest.raises(UserError, match=r"line 3: image 2 is not in val_annotations\.json"):
        measure(write_predictions(perfect), prepared)


def test_a_truth_that_cannot_be_read_is_named(prepared, write_predictions, perfect):
    edit_rows(prepared / "val.parquet", lambda rows: rows[1]["reward_model"].update(ground_truth="{}"))
    path = edit_lines(write_predictions(perfect), lambda lines: lines[1].update(ground_truth="{}"))
    with pytest.raises(UserError, match="line 2.*'boxes'"):
        measure(path, prepared)


def test_groups_of_the_paper_are_reported_where_all_their_categories_are():
    coco = [*COCO_BASE65, *COCO_NOVEL15]
    groups = category_groups(COCO_BASE65, COCO_NOVEL15, coco)
    assert {name: len(members) for name, members in groups.items()} == {
        "base": 65,
        "novel": 15,
        "all": 80,
        "coco-base65": 65,
        "coco-novel15": 15,
        "coco-fewshot8": 8,
    }
    assert set(category_groups(COCO_FEWSHOT8, (), coco)) == {"base", "novel", "all", "coco-fewshot8"}


@pytest.mark.parametrize(
    ("shown_only", "names", "reference_key", "classes"),
    [
        (True, COCO_NOVEL15, "visual_rft_2b_23img_novel15", 12),
        (True, (*COCO_BASE65, *COCO_NOVEL15), "visual_rft_2b_23img_all80", 41),
        (False, COCO_NOVEL15, "visual_rft_2b_188img_novel15", 15),
    ],
)
def test_real_responses_of_the_2b_model_on_coco_pictures(shown_only, names, reference_key, classes):
    pairs = json.loads(shared("data/visual_rft/visual_rft_2b_coco_val2017_23img.json").read_text())
    coco = json.loads(shared("data/visual_rft/instances_val2017_subset.json").read_text())
    reference = json.loads(shared("data/reference_numbers.json").read_text())
    shown = {pair["image_id"] for pair in pairs} if shown_only else {image["id"] for image in coco["images"]}
    annotations = {
        "images": [image for image in coco["images"] if image["id"] in shown],
        "annotations": [annotation for annotation in coco["annotations"] if annotation["image_id"] in shown],
        "categories": coco["categories"],
    }
    predictions = [
        Prediction(
            index=index,
            image_id=str(pair["image_id"]),
            category=pair["category"],
            category_id=pair["category_id"],
            width=pair["width"],
            height=pair["height"],
            ground_truth='{"boxes": []}',
            response=pair["response"],
            response_tokens=0,
            finish_reason="stop",
        )
        for index, pair in enumerate(pairs)
    ]

    scored = score_answers(predictions, "detection", "paper", Path("23img"))
    metrics = measure_detection(scored, PreparedTruth(annotations, {"base": (), "novel": names}), "paper")

    assert metrics.counts.boxes == 35
    assert {name: value / 100 for name, value in metrics.summary.items()} == pytest.approx(
        reference[reference_key], abs=1e-9
    )
    novel = metrics.groups["novel"]
    assert (novel.ap / 100, novel.classes) == (pytest.approx(reference[reference_key]["AP"], abs=1e-9), classes)
    assert novel.ap_interval.low <= novel.ap <= novel.ap_interval.high
    if reference_key + "_per_class" in reference:
        assert {name: ap and ap.ap / 100 for name, ap in metrics.per_class.items()} == pytest.approx(
            reference[reference_key + "_per_class"], abs=1e-9
        )


def test_needs_neither_torch_nor_verl_nor_vllm():
    code = (
        "import sys, verl_visual_rft.tasks.detection.metrics.measure; "
        "print([name for name in ('torch', 'verl', 'vllm', 'ray') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def rendered(metrics) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(metrics.table())
    return capture.get()
