# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.detection import evaluate_predictions, measure, score_predictions, write_metrics
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.prepared import PreparedTruth

NO_OBJECTS = "<think> I look. </think> <answer>No Objects</answer>"
VISUAL_RFT = Path(__file__).parents[3] / "shared" / "data" / "visual_rft"
NOVEL_15 = (
    *("airplane", "train", "parking meter", "cat", "bear", "suitcase", "frisbee", "snowboard", "fork"),
    *("sandwich", "hot dog", "toilet", "mouse", "toaster", "hair drier"),
)


def test_perfect_answers(prepared, write_predictions, perfect):
    metrics = evaluate_predictions(write_predictions(perfect), prepared, "robust")
    assert {name: group.ap for name, group in metrics.groups.items()} == pytest.approx(
        {"base": 100.0, "novel": 100.0, "all": 100.0}
    )
    assert (metrics.n, metrics.boxes, metrics.format_rate, metrics.mean_iou) == (4, 3, 1.0, 1.0)
    assert metrics.outcomes == {"no_objects": 1, "well_formed": 3}


def test_each_group_is_the_mean_of_its_categories(prepared, write_predictions, perfect):
    responses = [perfect[0], NO_OBJECTS, NO_OBJECTS, NO_OBJECTS]
    metrics = evaluate_predictions(write_predictions(responses), prepared, "robust")
    assert {name: group.ap for name, group in metrics.groups.items()} == pytest.approx(
        {"base": 50.0, "novel": 0.0, "all": 100 / 3}
    )
    assert metrics.mean_iou == pytest.approx(0.5)
    assert metrics.mean_iou_present == pytest.approx(1 / 3)


def test_what_is_wrong_with_answers_is_counted(prepared, write_predictions, answer):
    responses = [
        answer(([100, 100, 400, 400], 0.9), ([100, 100, 400, 400], 0.8), ([400, 400, 100, 100], 0.9)),
        answer(([500, 500, 700, 900], None)),
        "I see a disc.",
        "<answer>[</answer>",
    ]
    metrics = evaluate_predictions(write_predictions(responses), prepared, "robust")
    assert (metrics.boxes, metrics.duplicate_boxes, metrics.invalid_boxes) == (2, 1, 1)
    assert metrics.boxes_without_confidence == 1
    assert metrics.per_class["blue disc"].ap == pytest.approx(100.0), "a box without confidence stays in AP"
    assert metrics.format_rate == 0.5
    assert metrics.outcomes == {"malformed": 1, "no_answer": 1, "repaired": 2}


def test_category_without_ground_truth_is_left_out_and_named(prepared, write_predictions, perfect):
    annotations = json.loads((prepared / "val_annotations.json").read_text())
    annotations["annotations"] = [a for a in annotations["annotations"] if a["category_id"] != 2]
    (prepared / "val_annotations.json").write_text(json.dumps(annotations))
    metrics = evaluate_predictions(write_predictions(perfect), prepared, "robust")
    assert metrics.per_class["blue disc"] is None
    assert (metrics.groups["base"].classes, metrics.groups["base"].without_truth) == (1, ("blue disc",))
    assert metrics.groups["base"].ap == pytest.approx(100.0)


def test_metrics_file_has_the_means_at_the_top(prepared, write_predictions, tmp_path, perfect):
    out = tmp_path / "metrics" / "base.json"
    write_metrics(evaluate_predictions(write_predictions(perfect), prepared, "paper"), out)
    record = json.loads(out.read_text())
    assert record["map_novel"] == pytest.approx(100.0)
    assert record["per_class"]["red disc"]["ap75"] == pytest.approx(100.0)
    assert [path.name for path in out.parent.iterdir()] == ["base.json"]


@pytest.mark.parametrize(("key", "value"), [("image_id", "77"), ("category_id", 9)])
def test_predictions_of_other_data_are_refused(prepared, write_predictions, key, value, perfect):
    path = write_predictions(perfect)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[2][key] = value
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(UserError, match="row 2.*other data"):
        evaluate_predictions(path, prepared, "robust")


@pytest.mark.skipif(not VISUAL_RFT.is_dir(), reason="reference data (../shared/data) is not on this machine")
def test_real_responses_of_the_2b_model_on_23_coco_pictures():
    pairs = json.loads((VISUAL_RFT / "visual_rft_2b_coco_val2017_23img.json").read_text())
    coco = json.loads((VISUAL_RFT / "instances_val2017_subset.json").read_text())
    reference = json.loads((VISUAL_RFT.parent / "reference_numbers.json").read_text())
    shown = {pair["image_id"] for pair in pairs}
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

    metrics = measure(
        score_predictions(predictions, "paper"), PreparedTruth(annotations, {"base": (), "novel": NOVEL_15}), "paper"
    )

    assert metrics.boxes == 35
    expected = reference["visual_rft_2b_23img_novel15"]
    novel = metrics.groups["novel"]
    assert [novel.ap / 100, novel.ap50 / 100, novel.ap75 / 100] == pytest.approx(
        [expected["AP"], expected["AP50"], expected["AP75"]], abs=1e-9
    )
    assert (novel.classes, metrics.groups["base"].ap) == (12, None)
    assert {name: ap and ap.ap / 100 for name, ap in metrics.per_class.items()} == pytest.approx(
        reference["visual_rft_2b_23img_novel15_per_class"], abs=1e-9
    )


def test_needs_neither_torch_nor_verl_nor_vllm():
    code = (
        "import sys, verl_visual_rft.evaluation.detection, verl_visual_rft.evaluation.report; "
        "print([name for name in ('torch', 'verl', 'vllm', 'ray') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
