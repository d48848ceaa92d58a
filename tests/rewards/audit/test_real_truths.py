# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The audit of `robust` on truths of real data sets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shared_inputs import shared

from verl_visual_rft.coordinates import to_thousandths
from verl_visual_rft.rewards.audit import audit

COCO = "data/coco/instances_val2014_100.json"
CLASS_LISTS = ("flowers102", "pets37", "fgvc_aircraft")


def write_truths(path: Path, task: str, truths: list[dict]) -> Path:
    path.write_text("\n".join(json.dumps({"task": task, "ground_truth": truth}) for truth in truths))
    return path


def assert_honesty_wins(truths: Path, task: str, seed: int = 0) -> None:
    (contest,) = audit("robust", [task], truths, seed).contests
    assert contest.n_questions > 50
    assert not [standing for standing in contest.standings if standing.beats_honesty]


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_detection_on_coco(seed: int) -> None:
    assert_honesty_wins(shared(COCO), "detection", seed)


@pytest.mark.parametrize("name", [*CLASS_LISTS, pytest.param("cars196", marks=pytest.mark.long)])
def test_classification_with_the_class_names_of_the_paper(tmp_path: Path, name: str) -> None:
    content = json.loads(shared(f"data/visual_rft/eval_list_{name}.json").read_text())
    labels = content["classnames"]
    truths = [{"label": labels[row[1]], "labels": labels} for row in content["rows"]]
    assert_honesty_wins(write_truths(tmp_path / "truths.jsonl", "classification", truths), "classification")


def test_grounding_on_the_only_objects_of_their_kind_in_coco(tmp_path: Path) -> None:
    content = json.loads(shared(COCO).read_text())
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    by_pair: dict[tuple[int, int], list[list[float]]] = {}
    for entry in content["annotations"]:
        by_pair.setdefault((entry["image_id"], entry["category_id"]), []).append(entry["bbox"])
    truths = [
        {"box": to_thousandths((x, y, x + width, y + height), sizes[image])}
        for (image, _), [(x, y, width, height), *others] in by_pair.items()
        if not others
    ]
    assert_honesty_wins(write_truths(tmp_path / "truths.jsonl", "grounding", truths), "grounding")
