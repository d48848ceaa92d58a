# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of mIoU, gIoU and cIoU, on small masks worked out by hand and on a real ReasonSeg picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shared_inputs import shared

from verl_visual_rft.coordinates import to_thousandths
from verl_visual_rft.datasets.readers.masks import Polygon
from verl_visual_rft.datasets.readers.masks import encode_mask as draw_mask
from verl_visual_rft.datasets.readers.reasonseg import first_polygon_box, target_union_box
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.masks import PredictedMask, TrueMask, encode_mask, fill_box, overlap, read_true_mask
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.results import ScoredAnswer, score_answers
from verl_visual_rft.tasks.grounding.metrics.measure import GroundingMetrics, measure_grounding

SIZE = (10, 10)


def said(box: Sequence[int]) -> str:
    return "<think> there </think> <answer>({},{}),({},{})</answer>".format(*box)


def scored(
    answers: Sequence[tuple[Sequence[int], str]], size: tuple[int, int] = SIZE, **truth: Any
) -> list[ScoredAnswer]:
    """Scored answers (true box, response), a picture each."""
    predictions = [
        Prediction(
            index=index,
            task="grounding",
            image_id=str(index),
            category="the lamp",
            category_id=None,
            width=size[0],
            height=size[1],
            ground_truth=json.dumps({"box": list(box), **truth}),
            response=response,
            response_tokens=len(response),
            finish_reason="stop",
        )
        for index, (box, response) in enumerate(answers)
    ]
    return score_answers(predictions, "grounding", "paper", Path("p.jsonl"))


def write_truth(folder: Path, masks: Sequence[np.ndarray]) -> None:
    (folder / "masks/val").mkdir(parents=True)
    for index, mask in enumerate(masks):
        Image.fromarray(mask.astype(np.uint8)).save(folder / f"masks/val/{index}.png")


def left(columns: int, ignored: int = 0) -> np.ndarray:
    """A mask whose first columns are the target and whose last are to be ignored."""
    mask = np.zeros(SIZE[::-1], dtype=np.uint8)
    mask[:, :columns] = 1
    mask[:, SIZE[0] - ignored :] = 255
    return mask


def values(metrics: GroundingMetrics) -> dict[str, float | None]:
    return {name: None if figure is None else figure.value / 100 for name, figure in metrics.figures().items()}


@pytest.mark.parametrize(
    ("response", "iou"),
    [
        (said((0, 0, 500, 1000)), 1),
        (said((0, 0, 250, 1000)), 0.5),
        (said((500, 0, 1000, 1000)), 0),
        ("I see (0,0),(500,1000).", 0),
        ("<answer>none</answer>", 0),
        (said((0, 0, 500, 1000)) + said((0, 0, 9, 9)), None),
        ("<answer>(0,0),(500,1000),(0,0),(9,9)</answer>", 0),
        (said((500, 1000, 0, 0)), 0),
        ("", 0),
    ],
)
def test_an_answer_without_its_one_box_counts_0(tmp_path, response, iou):
    metrics = measure_grounding(scored([((0, 0, 500, 1000), response)]), "paper", tmp_path / "val.parquet")
    if iou is None:  # two answer blocks: the last one counts
        iou = 81 / 500000
    masks = dict.fromkeys(("box_giou", "box_ciou", "giou", "ciou"))
    assert values(metrics) == pytest.approx({"miou": iou, "acc50": float(iou >= 0.5)} | masks)


def test_failed_answers_stay_in_the_denominator(tmp_path):
    write_truth(tmp_path, [left(5), left(5)])
    answers = scored([((0, 0, 500, 1000), said((0, 0, 500, 1000))), ((0, 0, 500, 1000), "no idea")])
    metrics = measure_grounding(answers, "paper", tmp_path / "val.parquet")
    assert (metrics.n, metrics.miou.n, metrics.box_giou.n, metrics.answers.failed) == (2, 2, 2, 1)
    assert values(metrics) == {"miou": 0.5, "acc50": 0.5, "box_giou": 0.5, "box_ciou": 0.5, "giou": None, "ciou": None}
    assert "1 of 2 answers failed and count 0" in str(metrics.table().caption)


def test_giou_weighs_pictures_alike_and_ciou_their_pixels(tmp_path):
    write_truth(tmp_path, [left(8), left(2, ignored=4)])
    answers = scored([((0, 0, 800, 1000), said((0, 0, 400, 1000))), ((0, 0, 200, 1000), said((0, 0, 1000, 1000)))])
    metrics = measure_grounding(answers, "paper", tmp_path / "val.parquet")
    # 40 of 80 pixels; 20 of the 60 that count.
    assert values(metrics) == pytest.approx(
        {"miou": (1 / 2 + 1 / 5) / 2, "acc50": 1 / 2, "box_giou": (1 / 2 + 1 / 3) / 2, "box_ciou": 60 / 140}
        | {"giou": None, "ciou": None}
    )
    assert metrics.box_ciou.low < metrics.box_ciou.value < metrics.box_ciou.high


@pytest.mark.parametrize(
    ("response", "giou"), [(said((500, 0, 1000, 1000)), 100), (said((0, 0, 500, 1000)), 0), ("no idea", 0)]
)
def test_where_all_of_the_object_is_to_be_ignored_an_answer_is_right_if_it_adds_nothing(tmp_path, response, giou):
    write_truth(tmp_path, [left(0, ignored=5), left(5)])
    answers = scored([((0, 0, 500, 1000), response), ((0, 0, 500, 1000), "no idea")])
    assert measure_grounding(answers, "paper", tmp_path / "val.parquet").box_giou.value == giou / 2


def test_pixel_coordinates_of_a_family_are_scaled_by_their_extent(tmp_path):
    write_truth(tmp_path, [left(5)])
    answers = scored([((0, 0, 28, 56), said((0, 0, 28, 56)))], extent=[56, 56])
    metrics = measure_grounding(answers, "paper", tmp_path / "val.parquet")
    assert (metrics.miou.value, metrics.box_giou.value) == (100, 100)


def write_masks(path: Path, masks: Sequence[PredictedMask]) -> Path:
    path.write_text("".join(json.dumps(asdict(mask)) + "\n" for mask in masks))
    return path


def test_predicted_masks_are_compared_beside_the_filled_boxes(tmp_path):
    write_truth(tmp_path, [left(4), left(4)])
    answers = scored([((0, 0, 400, 1000), said((0, 0, 800, 1000))), ((0, 0, 400, 1000), "no idea")])
    masks = [PredictedMask(0, (0, 0, 8, 10), encode_mask(left(4).astype(bool))), PredictedMask(1, None, None)]
    path = write_masks(tmp_path / "masks.jsonl", masks)
    metrics = measure_grounding(answers, "paper", tmp_path / "val.parquet", path)
    assert values(metrics) == pytest.approx(
        {"miou": 0.25, "acc50": 0.5, "box_giou": 0.25, "box_ciou": 40 / 120, "giou": 0.5, "ciou": 0.5}
    )


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([PredictedMask(1, (0, 0, 8, 10), encode_mask(left(4).astype(bool)))], "row 0: no mask"),
        ([PredictedMask(0, (0, 0, 7, 10), encode_mask(left(4).astype(bool)))], "row 0: .*another answer"),
        ([PredictedMask(0, None, None)], "row 0: .*another answer"),
        ([PredictedMask(0, (0, 0, 8, 10), encode_mask(np.ones((3, 4), dtype=bool)))], r"row 0: .*\(4, 3\) pixels"),
    ],
)
def test_masks_of_other_answers_are_refused(tmp_path, masks, message):
    write_truth(tmp_path, [left(4)])
    path = write_masks(tmp_path / "masks.jsonl", masks)
    with pytest.raises(UserError, match=message):
        measure_grounding(
            scored([((0, 0, 400, 1000), said((0, 0, 800, 1000)))]), "paper", tmp_path / "val.parquet", path
        )


def test_missing_and_misfitting_true_masks_are_refused(tmp_path):
    answers = scored([((0, 0, 400, 1000), said((0, 0, 800, 1000)))])
    with pytest.raises(UserError, match="no true masks to compare"):
        measure_grounding(answers, "paper", tmp_path / "val.parquet", write_masks(tmp_path / "masks.jsonl", []))
    write_truth(tmp_path, [])
    with pytest.raises(UserError, match=r"0\.png: no such mask"):
        measure_grounding(answers, "paper", tmp_path / "val.parquet")
    Image.fromarray(np.zeros((3, 4), dtype=np.uint8)).save(tmp_path / "masks/val/0.png")
    with pytest.raises(UserError, match=r"0\.png: \(4, 3\) pixels"):
        measure_grounding(answers, "paper", tmp_path / "val.parquet")


def test_the_box_around_all_targets_of_a_real_picture_reaches_the_reference_iou(tmp_path):
    pytest.importorskip("cv2", reason="OpenCV, which draws the masks, is not installed")
    expected = json.loads(shared("data/reference_numbers.json").read_text())["reasonseg_val_8451614203"]
    shapes = json.loads(shared("data/reasonseg/val_8451614203_e6484a2cb4_o.json").read_text())["shapes"]
    polygons = [Polygon(shape["label"], tuple((x, y) for x, y in shape["points"])) for shape in shapes]
    size = (1417, 944)
    (tmp_path / "masks/val").mkdir(parents=True)
    (tmp_path / "masks/val/0.png").write_bytes(draw_mask(polygons, size))
    first, union = (to_thousandths(box(polygons), size) for box in (first_polygon_box, target_union_box))
    assert (list(first), list(union)) == (expected["first_shape_box_0_1000"], expected["all_targets_box_0_1000"])

    metrics = measure_grounding(scored([(union, said(union))], size), "paper", tmp_path / "val.parquet")
    reference = 100 * expected["iou_box_all_targets_ignore_excluded"]
    assert metrics.miou.value == 100
    assert metrics.box_giou.value == pytest.approx(reference, abs=1e-9)
    assert metrics.box_ciou.value == pytest.approx(reference, abs=1e-9)

    truth = read_true_mask(tmp_path / "masks/val/0.png")
    filled = fill_box(tuple(value * side / 1000 for value, side in zip(union, size * 2, strict=True)), size)
    assert overlap(filled, truth) == (27701, 59521)
    nothing_ignored = TrueMask(truth.target, np.ones_like(truth.counted))
    assert overlap(filled, nothing_ignored) == (27701, 72202)
    assert 27701 / 72202 == pytest.approx(expected["iou_box_all_targets_naive"], abs=1e-9)
