# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of reading the published sets, in each form in which people have them."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from verl_visual_rft.coordinates import to_thousandths
from verl_visual_rft.datasets.readers import virft_hub
from verl_visual_rft.datasets.readers.virft_hub import BAD_BOX, read_virft
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.classification.question import ClassificationQuestion
from verl_visual_rft.tasks.detection.prompt import detection_prompt
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.grounding.question import GroundingQuestion

SIZE = (64, 48)
BOXES = (
    "<answer>[{'Position': [64, 0, 950, 411], 'Confidence': 1}, {'Position': [1, 2, 3, 4], 'Confidence': 1}]</answer>"
)
PLANT = "This is an image containing a plant. Please identify the species of the plant based on the image.\n"
GROUND = (
    "Output the bounding box in the image corresponding to the instruction: the cup. Or the glass? Output the thinking "
    "process in <think> </think> and your grouding box."
)

Row = dict[str, Any]


def png(colour: int = 0) -> bytes:
    """An opaque RGBA PNG, which is what the sets hold."""
    file = io.BytesIO()
    Image.new("RGBA", SIZE, (colour, 10, 20, 255)).save(file, "PNG")
    return file.getvalue()


def row(solution: str | None = BOXES, problem: str | None = detection_prompt("hot dog"), colour: int = 0) -> Row:
    return {"image": {"bytes": png(colour), "path": None}, "problem": problem, "solution": solution}


def table_of(rows: Sequence[Row]) -> pa.Table:
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    schema = pa.schema({"image": image, "problem": pa.string(), "solution": pa.string()})
    return pa.Table.from_pylist(list(rows), schema)


def write_arrow(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


def hub_repository(root: Path, rows: Sequence[Row]) -> Path:
    """``data/train-0000n-of-00002.parquet`` with several row groups."""
    (root / "data").mkdir(parents=True)
    for number, part in enumerate((rows[:3], rows[3:])):
        pq.write_table(table_of(part), root / f"data/train-{number:05d}-of-00002.parquet", row_group_size=2)
    return root


def saved_dict(root: Path, rows: Sequence[Row]) -> Path:
    """What ``DatasetDict.save_to_disk`` writes."""
    (root / "train").mkdir(parents=True)
    (root / "dataset_dict.json").write_text('{"splits": ["train"]}')
    return saved(root / "train", rows).parent


def saved(root: Path, rows: Sequence[Row]) -> Path:
    """What ``Dataset.save_to_disk`` writes."""
    names = [f"data-{number:05d}-of-00002.arrow" for number in range(2)]
    for name, part in zip(names, (rows[:3], rows[3:]), strict=True):
        write_arrow(root / name, table_of(part))
    (root / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    return root


def one_parquet(root: Path, rows: Sequence[Row]) -> Path:
    root.mkdir()
    pq.write_table(table_of(rows), root / "any.parquet", row_group_size=2)
    return root / "any.parquet"


def one_arrow(root: Path, rows: Sequence[Row]) -> Path:
    write_arrow(root / "any.arrow", table_of(rows))
    return root / "any.arrow"


def written(root: Path, *rows: Row) -> Path:
    return one_parquet(root / "set", rows)


@pytest.mark.parametrize("layout", [hub_repository, saved_dict, saved, one_parquet, one_arrow])
def test_every_layout_gives_the_published_rows_in_order(
    layout: Callable[[Path, Sequence[Row]], Path], tmp_path: Path
) -> None:
    rows = [row(colour=i, problem=detection_prompt(name)) for i, name in enumerate(("dog", "bus", "dog", "cat", "cat"))]
    published = read_virft(layout(tmp_path / "set", rows))
    questions = published.splits["train"]
    assert list(published.splits) == ["train"]
    assert [question.prompt for question in questions] == [row["problem"] for row in rows]
    assert [question.answer for question in questions] == [row["solution"] for row in rows]
    read = [pickle.loads(pickle.dumps(question.picture)).read() for question in questions]
    assert read == [row["image"]["bytes"] for row in rows]
    assert [(q.category, q.category_id) for q in questions if isinstance(q, DetectionQuestion)] == [
        ("dog", 3), ("bus", 1), ("dog", 3), ("cat", 2), ("cat", 2),
    ]  # fmt: skip
    assert len({question.picture.name for question in questions}) == len(rows)
    assert published.skips == ()
    assert sum(source.is_file() for source in published.sources) in (1, 2)


def test_pictures_are_read_in_any_order(tmp_path: Path) -> None:
    rows = [row(colour=i) for i in range(7)]
    questions = read_virft(one_parquet(tmp_path / "set", rows)).splits["train"]
    assert [questions[i].picture.read() for i in (6, 0, 3, 2)] == [rows[i]["image"]["bytes"] for i in (6, 0, 3, 2)]


def test_what_the_datasets_package_writes_is_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    pictures = [Image.new("RGBA", SIZE, (i, 0, 0, 255)) for i in range(3)]
    columns = {"image": pictures, "problem": [PLANT] * 3, "solution": [f"<answer>{n}</answer>" for n in "cab"]}
    features = datasets.Features(
        {"image": datasets.Image(), "problem": datasets.Value("string"), "solution": datasets.Value("string")}
    )
    dataset = datasets.Dataset.from_dict(columns, features=features)
    datasets.DatasetDict({"train": dataset}).save_to_disk(tmp_path / "saved")
    dataset.to_parquet(tmp_path / "published/data/train-00000-of-00001.parquet")
    for root in (tmp_path / "saved", tmp_path / "published"):
        questions = read_virft(root).splits["train"]
        assert [q.name for q in questions if isinstance(q, ClassificationQuestion)] == ["c", "a", "b"]
        colours = [Image.open(io.BytesIO(question.picture.read())).getpixel((0, 0)) for question in questions]
        assert colours == [(0, 0, 0, 255), (1, 0, 0, 255), (2, 0, 0, 255)]


def test_the_form_of_the_solution_decides_the_task(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        row(),
        row("<answer>No Objects</answer>"),
        row("<answer>colt's foot</answer>", PLANT),
        row("<answer>(lily) of the valley</answer>", PLANT),
        row("<answer> (709,131),(836,275) </answer>", GROUND),
    )
    detection, absent, foot, lily, grounding = read_virft(root).splits["train"]
    assert isinstance(detection, DetectionQuestion) and isinstance(absent, DetectionQuestion)
    assert [to_thousandths(box, SIZE) for box in detection.boxes] == [(64, 0, 950, 411), (1, 2, 3, 4)]
    assert absent.boxes == ()
    assert isinstance(foot, ClassificationQuestion) and isinstance(lily, ClassificationQuestion)
    assert foot.classes.names == ("(lily) of the valley", "colt's foot")
    assert (foot.name, lily.name) == ("colt's foot", "(lily) of the valley")
    assert isinstance(grounding, GroundingQuestion)
    assert grounding.instruction == "the cup. Or the glass?"
    assert to_thousandths(*grounding.boxes, SIZE) == (709, 131, 836, 275)


@pytest.mark.parametrize("size", [(640, 427), (333, 500), (7, 4001)])
def test_published_boxes_come_back_to_the_last_grid_unit(size: tuple[int, int], tmp_path: Path) -> None:
    listed = [(i, 999 - i, i + 1, 1000 - i) for i in range(0, 999, 7)]
    solution = ", ".join(f"{{'Position': {list(box)}, 'Confidence': 1}}" for box in listed)
    file = io.BytesIO()
    Image.new("RGB", size).save(file, "JPEG")
    published = row(f"<answer>[{solution}]</answer>") | {"image": {"bytes": file.getvalue(), "path": None}}
    (question,) = read_virft(written(tmp_path, published)).splits["train"]
    assert isinstance(question, DetectionQuestion)
    assert [to_thousandths(box, size) for box in question.boxes] == listed


def test_a_task_given_goes_before_the_form(tmp_path: Path) -> None:
    root = written(tmp_path, row("<answer>No Objects</answer>", PLANT))
    (question,) = read_virft(root, task="classification").splits["train"]
    assert isinstance(question, ClassificationQuestion) and question.name == "No Objects"


def test_equal_pictures_have_one_id(tmp_path: Path) -> None:
    root = written(tmp_path, row(colour=1), row(problem=detection_prompt("cat"), colour=1), row(colour=2))
    first, second, third = (question.picture.id for question in read_virft(root).splits["train"])
    assert first == second != third


@pytest.mark.parametrize(
    "solution",
    [
        "<answer>[{'Position': [5, 5, 5, 9], 'Confidence': 1}, {'Position': [1, 2, 3, 4], 'Confidence': 1}]</answer>",
        "<answer>[{'Position': [5, 5, 1001, 9], 'Confidence': 1}]</answer>",
        "<answer> (9,9),(9,12) </answer>",
    ],
)
def test_rows_with_boxes_that_nothing_can_answer_are_left_out_and_listed(solution: str, tmp_path: Path) -> None:
    published = read_virft(written(tmp_path, row(), row(solution)))
    assert len(published.splits["train"]) == 1
    (skip,) = published.skips
    assert skip.rule == BAD_BOX
    assert "row 1" in skip.where and solution[:100] in skip.where


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (row(solution=None), "row 1, column 'solution': is None"),
        (row(problem=" "), "row 1, column 'problem': is ' '"),
        (row("rose", PLANT), "row 1, column 'solution': 'rose' has no <answer>"),
        (row("<answer> </answer>", PLANT), "row 1, column 'solution': .*the answer is empty"),
        (row("<answer>[{'Position': [1, 2]</answer>"), "row 1, column 'solution': .*is no published solution"),
        (row("<answer>[{'Box': [1, 2, 3, 4]}]</answer>"), "row 1, column 'solution': .*is no published solution"),
        (row("<answer>(1,2),(3,4),(5,6),(7,8)</answer>", GROUND), "row 1, column 'solution': .*is no published"),
        (
            row("<answer>[{'Position': [1.5, 2, 3, 4], 'Confidence': 1}]</answer>"),
            "row 1, column 'solution': .*off the integer grid",
        ),
        (row(problem="Where is it?"), "row 1, column 'problem': does not ask for .*Where is it"),
        (row(problem="<image>" + detection_prompt("cat")), "row 1, column 'problem': holds a placeholder"),
        (row() | {"image": {"bytes": b"no picture", "path": None}}, "row 1, column 'image': is not an image"),
        (row() | {"image": {"bytes": None, "path": "a.png"}}, "row 1, column 'image': holds only the path 'a.png'"),
        (row() | {"image": None}, "row 1, column 'image': holds no image"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(broken: Row, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        read_virft(written(tmp_path, row(), broken))


def test_labels_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    root = written(tmp_path, row("<answer>rose</answer>", PLANT), row("<answer>Rose</answer>", PLANT))
    with pytest.raises(UserError, match=r"(?i)rose"):
        read_virft(root)


def without_column(root: Path) -> Path:
    path = one_parquet(root, [row()])
    pq.write_table(pq.read_table(path).drop_columns(["solution"]).append_column("answer", [["x"]]), path)
    return path


def missing_shard(root: Path) -> Path:
    hub_repository(root, [row()] * 4)
    (root / "data/train-00000-of-00002.parquet").unlink()
    return root


def missing_arrow_file(root: Path) -> Path:
    saved_dict(root, [row()] * 4)
    (root / "train/data-00001-of-00002.arrow").unlink()
    return root


def lfs_pointer(root: Path) -> Path:
    hub_repository(root, [row()] * 4)
    (root / "data/train-00001-of-00002.parquet").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
    )
    return root


def truncated(root: Path) -> Path:
    path = one_parquet(root, [row()])
    path.write_bytes(path.read_bytes()[:-100])
    return path


def truncated_arrow(root: Path) -> Path:
    path = one_arrow(root, [row()])
    path.write_bytes(path.read_bytes()[:-200])
    return path


def empty_folder(root: Path) -> Path:
    root.mkdir()
    return root


def no_rows(root: Path) -> Path:
    return one_parquet(root, [])


def leading_out(root: Path) -> Path:
    saved(root, [row()] * 4)
    (root / "state.json").write_text('{"_data_files": [{"filename": "../data.arrow"}]}')
    return root


def split_leading_out(root: Path) -> Path:
    saved_dict(root, [row()] * 4)
    (root / "dataset_dict.json").write_text('{"splits": ["../train"]}')
    return root


def doubled_split(root: Path) -> Path:
    saved_dict(root, [row()] * 4)
    (root / "dataset_dict.json").write_text('{"splits": ["val", "validation"]}')
    return root


def broken_description(root: Path) -> Path:
    saved(root, [row()] * 4)
    (root / "state.json").write_text("{")
    return root


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (without_column, "no column 'solution'; it has 'image', 'problem', 'answer'"),
        (missing_shard, "not complete: of the 2 files of 'train', 00000 are missing"),
        (missing_arrow_file, "data-00001-of-00002.arrow of its state.json is missing"),
        (lfs_pointer, "is a Git LFS pointer"),
        (truncated, "any.parquet cannot be read"),
        (truncated_arrow, "any.arrow cannot be read"),
        (empty_folder, "holds no published set. Expected data/"),
        (no_rows, "has no row that can be used"),
        (leading_out, "leads out of the folder"),
        (split_leading_out, "splits '../train'; known are"),
        (doubled_split, "two of which mean the same"),
        (broken_description, "state.json is not JSON"),
    ],
)
def test_what_is_wrong_with_the_files_is_said(make: Callable[[Path], Path], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        read_virft(make(tmp_path / "set"))


#: Texts for which a regular expression of ``start(.*?)end`` takes minutes: it looks for the end from every start.
WITHOUT_END = {
    "<answer>": "<answer>" * 130_000,
    "category": "objects belonging to the category '" * 30_000,
    "category, singular": "object belonging to the category '" * 30_000,
    "instruction": "corresponding to the instruction: " * 30_000,
    "mixed": ("<answer>objects belonging to the category 'corresponding to the instruction: ") * 13_000,
}


@pytest.mark.parametrize("text", WITHOUT_END.values(), ids=WITHOUT_END)
def test_a_long_text_takes_no_longer_than_it_is(text: str) -> None:
    for marks in (virft_hub._ANSWER, virft_hub._CATEGORY, virft_hub._INSTRUCTION):
        assert virft_hub._between(text, *marks) is None
    assert virft_hub._between(text + "</answer>", *virft_hub._ANSWER) is not None or "<answer>" not in text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("objects belonging to the category 'cat' in the image", "cat"),
        ("object belonging to the category 'it's' in the image", "it's"),
        ("objects belonging to the category 'a' in the image, 'b' in the image", "a"),
        ("objects belonging to the category 'cat'", None),
        ("category 'cat' in the image", None),
    ],
)
def test_what_stands_between_is_found_as_before(text: str, found: str | None) -> None:
    assert virft_hub._between(text, *virft_hub._CATEGORY) == found
