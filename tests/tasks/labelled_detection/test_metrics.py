# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of answers about several categories: against pycocotools, and by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.prepared import PreparedTruth
from verl_visual_rft.evaluation.results import ScoredAnswer, score_answers
from verl_visual_rft.tasks import load_task
from verl_visual_rft.tasks.labelled_detection.annotations import ANNOTATIONS
from verl_visual_rft.tasks.labelled_detection.metrics.figures import LabelledMetrics
from verl_visual_rft.tasks.labelled_detection.metrics.measure import measure_labelled, read_truth
from verl_visual_rft.tasks.metrics import metrics_of

TASK = "labelled_detection"
SIZE = (1000, 1000)  # so that the answer's grid is the picture's pixels
CUP, PEN = [100, 100, 300, 300], [600, 600, 800, 800]
LOW, OFF, NOWHERE = [100, 100, 300, 200], [100, 240, 300, 440], [0, 900, 50, 950]


def prediction(number: int, truth: dict[str, Any], response: str, size: tuple[int, int] = SIZE) -> Prediction:
    return Prediction(
        index=number,
        task=TASK,
        image_id=str(number),
        category=", ".join(truth["categories"]),
        category_id=None,
        width=size[0],
        height=size[1],
        ground_truth=json.dumps(truth),
        response=response,
        response_tokens=1,
        finish_reason="stop",
        line=number + 1,
    )


def coco(truths: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    ids = {name: number for number, name in enumerate(names, start=1)}
    objects = [(number, entry) for number, truth in enumerate(truths) for entry in truth["objects"]]
    annotations = []
    for place, (number, entry) in enumerate(objects, start=1):
        x1, y1, x2, y2 = entry["bbox_2d"]
        box = [x1, y1, x2 - x1, y2 - y1]
        about = {"image_id": number, "category_id": ids[entry["label"]], "iscrowd": 0}
        annotations.append({"id": place, "bbox": box, "area": box[2] * box[3], **about})
    return {
        "images": [{"id": number, "width": SIZE[0], "height": SIZE[1]} for number in range(len(truths))],
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
    }


def scored_answers(truths: list[dict[str, Any]], responses: list[str]) -> list[ScoredAnswer]:
    answers = [prediction(number, *pair) for number, pair in enumerate(zip(truths, responses, strict=True))]
    return score_answers(answers, TASK, "robust", Path("p.jsonl"))


def measured(truths: list[dict[str, Any]], responses: list[str], names: list[str]) -> LabelledMetrics:
    scored = scored_answers(truths, responses)
    return measure_labelled(scored, PreparedTruth(coco(truths, names), {"all": tuple(names)}), "robust")


def random_box(rng: np.random.Generator) -> list[int]:
    x, y, width, height = rng.integers(0, 600, 2).tolist() + rng.integers(5, 390, 2).tolist()
    return [x, y, x + width, y + height]


def random_set(seed: int) -> tuple[list[dict[str, Any]], list[list[tuple[Any, ...]]], list[str]]:
    """Pictures with objects and answers: shifted, doubled, misnamed, with confidences in every second set."""
    rng = np.random.default_rng(seed)
    names = [f"thing {letter}" for letter in "abcdefg"[: rng.integers(1, 8)]]
    truths, answers = [], []
    for _ in range(rng.integers(1, 9)):
        objects = [{"bbox_2d": random_box(rng), "label": str(rng.choice(names))} for _ in range(rng.integers(0, 7))]
        given: list[tuple[Any, ...]] = []
        for entry in objects:
            for _ in range(rng.integers(0, 3)):
                moved = (np.array(entry["bbox_2d"]) + rng.integers(-25, 26, 4)).clip(0, 1000).tolist()
                if moved[0] < moved[2] and moved[1] < moved[3]:
                    given.append((moved, entry["label"] if rng.random() < 0.8 else str(rng.choice(names))))
        given += [(random_box(rng), str(rng.choice(names))) for _ in range(rng.integers(0, 3))]
        unique = list({(tuple(box), label): (box, label) for box, label in given}.values())
        if seed % 2:
            unique = [(*pair, round(float(rng.random()), 1)) for pair in unique]
        truths.append({"categories": names, "objects": objects})
        answers.append(unique)
    if not any(truth["objects"] for truth in truths):
        truths[0]["objects"].append({"bbox_2d": CUP, "label": names[0]})
    return truths, answers, names


def by_pycocotools(truth: dict[str, Any], boxes: list[dict[str, Any]]) -> tuple[list[float], dict[int, float]]:
    """The twelve figures, and AP by category where it has ground truth."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    witness = COCO()
    witness.dataset = json.loads(json.dumps(truth))
    witness.createIndex()
    results = COCO()
    results.dataset = {**truth, "annotations": [{**box, "id": n} for n, box in enumerate(boxes, start=1)]}
    for box in results.dataset["annotations"]:
        box.update(area=box["bbox"][2] * box["bbox"][3], iscrowd=0)
    results.createIndex()
    reference = COCOeval(witness, results, "bbox")
    reference.evaluate()
    reference.accumulate()
    reference.summarize()
    precision = reference.eval["precision"][:, :, :, 0, -1]
    columns = {number: precision[:, :, column] for column, number in enumerate(reference.params.catIds)}
    return list(reference.stats), {n: column.mean() for n, column in columns.items() if (column > -1).any()}


@pytest.mark.parametrize("first", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(10, 100, 10))])
def test_ap_is_that_of_pycocotools_on_100_random_sets(respond: Callable[..., str], first: int) -> None:
    pytest.importorskip("pycocotools.coco")
    for seed in range(first, first + 10):
        truths, answers, names = random_set(seed)
        responses = [respond(*given) for given in answers]
        result = measured(truths, responses, names)
        boxes = []
        for number, given in enumerate(answers):
            for (x1, y1, x2, y2), label, *sure in given:
                place = {"image_id": number, "category_id": names.index(label) + 1}
                boxes.append({**place, "bbox": [x1, y1, x2 - x1, y2 - y1], "score": sure[0] if sure else 1.0})
        stats, per_class = by_pycocotools(coco(truths, names), boxes)
        ours = [-1 if value is None else value / 100 for value in result.summary.values()]
        assert ours == pytest.approx(stats, abs=1e-9), seed
        for number, name in enumerate(names, start=1):
            ap = result.per_class[name]
            assert (ap and ap.ap / 100) == (pytest.approx(per_class[number], abs=1e-9) if number in per_class else None)
        assert result.figures()["map"].value / 100 == pytest.approx(np.mean([*per_class.values()]), abs=1e-9)  # type: ignore[union-attr]
        samples = [("", item.sample) for item in scored_answers(truths, responses)]
        quick = metrics_of(load_task(TASK)).quick(samples)
        assert quick["labelled_ap"] == pytest.approx(result.figures()["map"].value, abs=1e-9)  # type: ignore[union-attr]
        assert quick["labelled_f1"] == pytest.approx(result.f1.value)  # type: ignore[union-attr]


def test_names_are_told_from_places_by_hand(respond: Callable[..., str], truth: dict[str, Any]) -> None:
    truths = [truth] * 4 + [{**truth, "objects": []}]
    responses = [
        respond((CUP, "cup"), (PEN, "pen")),
        respond((CUP, "pen"), (PEN, "pen"), (PEN, "pen")),
        respond((OFF, "cup"), (CUP, "spoon"), (NOWHERE, "pen")),
        "what?",
        respond(),
    ]
    result = measured(truths, responses, truth["categories"])
    found = result.mistakes
    assert (found.right, found.wrong_label, found.badly_placed, found.repeated) == (3, 2, 1, 1)
    assert (found.on_nothing, found.not_asked, found.invalid, found.missed) == (1, 1, 0, 3)
    assert result.f1 is not None and result.f1.value == pytest.approx(100 * 2 * 3 / (8 + 8))
    assert result.f1_any_label is not None and result.f1_any_label.value == pytest.approx(100 * 2 * 5 / (8 + 8))
    assert result.naming is not None and result.naming.value == pytest.approx(60)
    assert (result.boxes, result.duplicate_boxes, result.boxes_without_confidence, result.truths) == (6, 1, 6, 8)
    # Pens: found twice of four, before the false alarm of picture 1 and after; cups: once of four, first.
    assert result.per_class["cup"].ap50 == pytest.approx(100 * 26 / 101)  # type: ignore[union-attr]
    assert result.per_class["fork"] is None
    assert result.figures()["map"].n == 2  # type: ignore[union-attr]
    for figure in ("map", "map50", "f1", "f1_any_label", "naming"):
        shown = result.figures()[figure]
        assert shown is not None and shown.low <= shown.value <= shown.high
    content = json.loads(json.dumps(result.to_dict()))
    assert content["f1"]["value"] == result.f1.value and content["reward"] == result.answers.reward
    assert {*metrics_of(load_task(TASK)).columns} <= content.keys()


def test_the_gold_answers_measure_100_and_silence_0(truth: dict[str, Any]) -> None:
    task, truths = load_task(TASK), [truth, {**truth, "objects": truth["objects"][:1]}]
    gold = [f"<think> I look </think> {task.read_truth(one).solution}" for one in truths]
    best, worst = (measured(truths, responses, truth["categories"]) for responses in (gold, ["", ""]))
    assert [f.value for f in best.figures().values() if f] == [pytest.approx(100)] * 6
    assert best.answers.reward == 3
    assert [f and f.value for f in worst.figures().values()] == [0, 0, 0, 0, 0, None]


def test_a_box_without_a_confidence_ranks_behind_those_with_one(
    respond: Callable[..., str], truth: dict[str, Any]
) -> None:
    def cups(*boxes: Any) -> float:
        ap = measured([truth], [respond(*boxes)], truth["categories"]).per_class["cup"]
        assert ap is not None
        return ap.ap50

    wrong_first, right_first = (NOWHERE, "cup"), (CUP, "cup")
    assert cups(wrong_first, right_first) == pytest.approx(50)  # equals rank as they stand
    assert cups(right_first, wrong_first) == pytest.approx(100)
    assert cups(wrong_first, (*right_first, 0.01)) == pytest.approx(100)
    assert cups(right_first, (*wrong_first, 0.01)) == pytest.approx(50)


def test_boxes_are_measured_in_pixels_of_the_picture(respond: Callable[..., str]) -> None:
    truth = {"categories": ["cup"], "objects": [{"bbox_2d": [0, 0, 322, 238], "label": "cup"}], "extent": [644, 476]}
    annotations = {
        "images": [{"id": 0, "width": 640, "height": 480}],
        "annotations": [{"id": 1, "image_id": 0, "category_id": 5, "bbox": [0, 0, 320, 240], "area": 76800}],
        "categories": [{"id": 5, "name": "cup"}],
    }
    answers = [prediction(0, truth, respond(([0, 0, 322, 238], "cup")), (640, 480))]
    scored = score_answers(answers, TASK, "robust", Path("p"))
    result = measure_labelled(scored, PreparedTruth(annotations, {"all": ("cup",)}), "robust")
    assert result.figures()["map"].value == pytest.approx(100)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": []}, "line 1: image 0 is not in"),
        ({"categories": [{"id": 1, "name": "cup"}]}, "line 1: category 'pen' is not in"),
        ({"categories": None}, "no key 'categories'"),
    ],
)
def test_other_data_are_refused(
    tmp_path: Path, respond: Callable[..., str], truth: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    content = {**coco([truth], truth["categories"]), **changes}
    kept = {key: value for key, value in content.items() if value is not None}
    (tmp_path / ANNOTATIONS).write_text(json.dumps(kept))
    scored = score_answers([prediction(0, truth, respond())], TASK, "robust", Path("p.jsonl"))
    with pytest.raises(UserError, match=message):
        read_truth(tmp_path, scored, Path("p.jsonl"))
