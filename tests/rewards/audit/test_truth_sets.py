# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from audited_tasks import CHEATS, PLAYED

from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards.audit.truth_files import read_questions
from verl_visual_rft.rewards.audit.truth_sets import built_in
from verl_visual_rft.tasks import task_names
from verl_visual_rft.tasks.audited.priors import learn_prior
from verl_visual_rft.tasks.audited.question import make_question, with_knowledge_of_the_set
from verl_visual_rft.tasks.detection import parse_detection

TASKS = task_names()


@pytest.mark.parametrize("task", TASKS)
def test_made_up_questions_depend_on_the_seed_alone(task: str) -> None:
    assert built_in(task, 30, seed=1) == built_in(task, 30, seed=1)
    assert built_in(task, 30, seed=1) != built_in(task, 30, seed=2)


def annotations(images: int) -> dict:
    return {
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": 200, "height": 100} for i in range(images)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [20, 10, 100, 50], "iscrowd": 0} for i in range(images)
        ],
    }


def test_coco_annotations_become_questions_on_the_grid_with_a_quarter_of_negatives(tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(annotations(60)))
    (detection,) = read_questions(path, size=40, seed=0).values()
    boxes = [question.truth.boxes for question in detection]
    assert boxes.count(()) == 10
    assert boxes.count(((100, 100, 600, 600),)) == 30
    assert read_questions(path, 40, seed=0) == {"detection": detection}


def test_coco_annotations_are_mended_as_by_data_preparation(tmp_path: Path) -> None:
    slips = annotations(60)
    for entry in slips["annotations"]:  # as tools write them that go through tables, and every box twice
        entry["image_id"] = str(entry["image_id"])
    slips["annotations"] += [{**entry, "id": 100 + entry["id"]} for entry in slips["annotations"]]
    path, plain = tmp_path / "slips.json", tmp_path / "plain.json"
    path.write_text(json.dumps(slips))
    plain.write_text(json.dumps(annotations(60)))
    assert read_questions(path, 40, seed=0) == read_questions(plain, 40, seed=0)


def test_coco_annotations_that_leave_open_what_they_mean_go_to_data_preparation(tmp_path: Path) -> None:
    crowds = annotations(4)
    for entry in crowds["annotations"]:
        entry["iscrowd"] = 1
    path = tmp_path / "crowds.json"
    path.write_text(json.dumps(crowds))
    with pytest.raises(UserError, match="--crowds objects .*data preparation: give the parquet that it writes"):
        read_questions(path, 40, seed=0)


def write_rows(path: Path, rows: list[tuple[str, str]]) -> None:
    table = [{"ability": task, "reward_model": {"style": "rule", "ground_truth": truth}} for task, truth in rows]
    pq.write_table(pa.Table.from_pylist(table), path)


ROWS = [
    ("grounding", '{"box": [1, 2, 3, 4]}'),
    ("classification", '{"label": "rose"}'),
    ("classification", '{"label": "lily"}'),
]


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_rows_of_several_tasks_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"rows.{kind}"
    if kind == "parquet":
        write_rows(path, ROWS)
    else:
        path.write_text("\n".join(json.dumps({"task": t, "ground_truth": json.loads(truth)}) for t, truth in ROWS))
    questions = read_questions(path, size=300, seed=0)
    assert list(questions) == ["classification", "grounding"]
    assert [question.names for question in questions["classification"]] == [("lily", "rose")] * 2
    assert questions["grounding"][0].truth.box == (1, 2, 3, 4)
    assert len(read_questions(path, size=1, seed=0)["classification"]) == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("truths.csv", "", "cannot tell what it holds"),
        ("missing.jsonl", None, "no such file"),
        ("empty.jsonl", "", "holds no questions"),
        ("a.jsonl", "{", "line 1 is not JSON"),
        ("b.jsonl", '\n{"task": "detection"}', "line 2 is not"),
        ("c.jsonl", '{"task": "detection", "ground_truth": 3}', "row 1 has no task or no ground truth"),
        ("d.jsonl", '{"task": "x", "ground_truth": {}}', "row 1: unknown task 'x'"),
        ("e.jsonl", '{"task": "grounding", "ground_truth": {"box": [5, 5, 1, 1]}}', "row 1: ground truth box"),
        ("f.json", "[]", "not a COCO annotation file"),
        ("g.parquet", "no parquet", "g.parquet cannot be read as parquet"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=message) as error:
        read_questions(path, 300, 0)
    assert name in str(error.value)


def test_kinds_of_questions() -> None:
    small, large = [0, 0, 100, 100], [0, 0, 500, 500]
    for truth, kinds in (
        ({"boxes": []}, {"no object"}),
        ({"boxes": [small]}, {"with objects", "one object", "small objects"}),
        ({"boxes": [small, large]}, {"with objects", "several objects", "large objects"}),
        ({"boxes": [[0, 0, 20, 9]], "extent": [40, 20]}, {"with objects", "one object", "large objects"}),
    ):
        assert PLAYED["detection"].strata_of(make_question("detection", truth)) == kinds | {"all"}
    for box, size in ((small, "small objects"), (large, "large objects")):
        question = make_question("grounding", {"box": box})
        assert PLAYED["grounding"].strata_of(question) == {"all", "one box asked for", size}
    assert PLAYED["classification"].strata_of(make_question("classification", {"label": "a"})) == {
        "all",
        "no closed set",
    }
    assert PLAYED["classification"].strata_of(make_question("classification", {"label": "a", "labels": ["a"]})) == {
        "all",
        "closed set",
    }


def test_what_is_known_of_a_set_without_its_pictures() -> None:
    left, right = (0.0, 0.0, 0.2, 0.2), (0.7, 0.7, 1.0, 1.0)
    prior = learn_prior([[left, left], [left, right], [left], [right], []])
    assert prior.count == 2 and prior.best_box == left
    assert prior.mean_box == pytest.approx((7 / 30, 7 / 30, 7 / 15, 7 / 15))
    boxes = [box for box, _ in prior.clusters]
    assert boxes[0] == pytest.approx(left) and boxes[-1] == pytest.approx(right)
    assert [quality for _, quality in prior.clusters] == pytest.approx([1.0] * len(boxes))
    assert learn_prior([[], []]) is None


def test_priors_are_in_the_coordinates_of_each_question() -> None:
    truths = [{"boxes": [[10, 10, 20, 20]], "extent": [40, 40]}, {"boxes": [[250, 250, 500, 500]]}]
    questions = with_knowledge_of_the_set([make_question("detection", truth) for truth in truths])
    policy = next(policy for policy in CHEATS["detection"] if policy.name == "mean box of the set")
    answers = [
        parse_detection(policy.respond(question, Random(0)), question.truth.extent).detections[0].box
        for question in questions
    ]
    assert answers == [(10, 10, 20, 20), (250, 250, 500, 500)]
