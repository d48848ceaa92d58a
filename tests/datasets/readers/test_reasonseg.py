# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the ReasonSeg reader, on the real annotation files and on made ones."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image
from shared_inputs import shared

from verl_visual_rft.coordinates import to_thousandths
from verl_visual_rft.datasets.readers.masks import Polygon
from verl_visual_rft.datasets.readers.reasonseg import (
    ReasonSeg,
    first_polygon_box,
    questions_about,
    read_reasonseg,
    target_union_box,
)
from verl_visual_rft.errors import UserError

SIZE = (200, 100)
TARGET = [[20, 10], [100, 10], [100.5, 60]]
IGNORE = [[0, 0], [200, 0], [200, 100]]
FLAG = [[3, 3], [5, 9]]


def shape(label: str, points: Any) -> dict[str, Any]:
    return {"label": label, "labels": [label], "shape_type": "polygon", "points": points, "flags": {}}


def add(root: Path, split: str, name: str, texts: Any = ("the lamp",), shapes: Any = (("target", TARGET),)) -> Path:
    """Write a picture with its annotation, and return the annotation's path."""
    (root / split).mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE, (0, 80, 160)).save(root / split / f"{name}.jpg")
    content = {"text": list(texts), "is_sentence": False, "shapes": [shape(*entry) for entry in shapes]}
    path = root / split / f"{name}.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two training pictures with three and one wordings, one of each other split."""
    folder = tmp_path / "ReasonSeg"
    add(folder, "train", "b", ["the lamp", "what gives light", "the bright one"])
    add(folder, "train", "a", shapes=[("flag", FLAG), ("ignore", IGNORE), ("target", TARGET)])
    add(folder, "val", "c", ["first", "second"])
    add(folder, "test", "d", shapes=[("target", [[0, 0], [50, 0], [25, 1]]), ("target", TARGET)])
    return folder


def test_training_asks_every_wording_and_evaluation_the_first(root: Path) -> None:
    data = read_reasonseg(root)
    train, _ = questions_about(data.items["train"], "union", every_wording=True)
    assert [(question.picture.id, question.instruction) for question in train] == [
        ("a", "the lamp"),
        ("b", "the lamp"),
        ("b", "what gives light"),
        ("b", "the bright one"),
    ]
    val, _ = questions_about(data.items["val"], "union")
    assert [question.instruction for question in val] == ["first"]
    assert (val[0].picture.name, val[0].picture.size) == ("val/c.jpg", SIZE)
    assert len(data.sources) == 4


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ("first", {"a": (3, 3, 5, 9), "b": (20, 10, 100.5, 60), "c": (20, 10, 100.5, 60), "d": (0, 0, 50, 1)}),
        (
            "union",
            {"a": (20, 10, 100.5, 60), "b": (20, 10, 100.5, 60), "c": (20, 10, 100.5, 60), "d": (0, 0, 100.5, 60)},
        ),
    ],
)
def test_box_of_the_first_polygon_or_of_all_targets(root: Path, boxes: str, expected: dict[str, Any]) -> None:
    data = read_reasonseg(root)
    questions = [q for items in data.items.values() for q in questions_about(items, boxes)[0]]
    assert {question.picture.id: question.boxes[0] for question in questions} == expected


polygons = st.lists(
    st.builds(
        Polygon,
        st.sampled_from(["target", "ignore", "flag"]),
        st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)), min_size=1, max_size=5).map(tuple),
    ),
    max_size=5,
)


@given(polygons)
def test_the_union_holds_every_target_corner_and_touches_one_on_each_side(listed: list[Polygon]) -> None:
    corners = [point for polygon in listed if polygon.label == "target" for point in polygon.points]
    box = target_union_box(listed)
    assert (box is None) == (not corners)
    if box is not None:
        x1, y1, x2, y2 = box
        assert all(x1 <= x <= x2 and y1 <= y <= y2 for x, y in corners)
        assert {x1, x2} <= {x for x, _ in corners} and {y1, y2} <= {y for _, y in corners}
    assert first_polygon_box(listed) == (target_union_box([Polygon("target", listed[0].points)]) if listed else None)


@pytest.mark.parametrize(
    ("shapes", "boxes", "rule"),
    [
        ([("ignore", IGNORE)], "union", "no target polygon"),
        ([], "union", "no target polygon"),
        ([], "first", "no target polygon"),
        ([("target", [[20, 10], [100, 10]])], "union", "box without area in the picture"),
        ([("target", [[220, 10], [300, 10], [300, 50]])], "first", "box without area in the picture"),
    ],
)
def test_what_has_no_box_is_a_listed_skip(root: Path, shapes: Any, boxes: str, rule: str) -> None:
    add(root, "val", "e", shapes=shapes)
    questions, skips = questions_about(read_reasonseg(root).items["val"], boxes)
    assert [question.picture.id for question in questions] == ["c"]
    assert [skip.rule for skip in skips] == [rule]
    assert skips[0].where.startswith("val/e.jpg")


def test_a_box_beyond_the_edges_is_cut(root: Path) -> None:
    add(root, "val", "e", shapes=[("target", [[-5, 50], [250, 50], [90, 120]])])
    questions, _ = questions_about(read_reasonseg(root).items["val"], "union")
    assert questions[1].boxes[0] == (0, 50, 200, 100)


def test_pictures_and_annotations_alone_are_listed_skips(root: Path) -> None:
    (root / "train/b.jpg").unlink()
    (root / "train/a.json").rename(root / "train/z.json")
    add(root, "train", "y")
    data = read_reasonseg(root)
    assert [item.picture.id for item in data.items["train"]] == ["y"]
    assert [(skip.rule, skip.where) for skip in data.skips] == [
        ("picture without annotation", "train/a.jpg"),
        ("annotation without picture", "train/b.json"),
        ("annotation without picture", "train/z.json"),
    ]


def test_cp1252_is_read(root: Path) -> None:
    path = add(root, "val", "c", ["the café’s sign"])
    content = path.read_text().replace("\\u00e9", "é").replace("\\u2019", "’")
    path.write_bytes(content.encode("cp1252"))
    questions, _ = questions_about(read_reasonseg(root).items["val"], "union")
    assert questions[0].instruction == "the café’s sign"


@pytest.mark.parametrize(("orientation", "size"), [(1, (200, 100)), (3, (200, 100)), (6, (100, 200)), (8, (100, 200))])
def test_the_size_is_that_of_the_upright_picture(root: Path, orientation: int, size: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.new("RGB", SIZE).save(root / "val/c.jpg", exif=exif)
    assert read_reasonseg(root).items["val"][0].picture.size == size


def test_what_is_no_picture_is_left_to_the_check_of_pictures(root: Path) -> None:
    (root / "val/c.jpg").write_bytes(b"GIF?")
    assert read_reasonseg(root).items["val"][0].picture.size is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "c.json is not JSON"),
        ([], "the top level is list"),
        ({"text": "the lamp"}, "'text' is 'the lamp', not a list of instructions"),
        ({"text": [" "]}, "'text' is [' ']"),
        ({"text": ["a"], "shapes": {"label": "target"}}, "'shapes' is not a list of polygons"),
        ({"text": ["a"], "shapes": [shape("target", TARGET), 3]}, "shapes[1]: 'label' is None"),
        ({"text": ["a"], "shapes": [shape("target", [])]}, "shapes[0]: 'points' is not"),
        ({"text": ["a"], "shapes": [shape("target", [[1, 2], [3, float("nan")]])]}, "shapes[0]: 'points' is not"),
    ],
)
def test_what_is_not_reasonseg_is_refused(root: Path, content: Any, message: str) -> None:
    (root / "val/c.json").write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UserError, match=re.escape(message)):
        read_reasonseg(root)


@pytest.mark.parametrize(("damage", "message"), [(shutil.rmtree, "does not exist"), (None, "holds no NAME.json")])
def test_a_missing_split_is_named(root: Path, damage: Any, message: str) -> None:
    shutil.rmtree(root / "test")
    if damage is None:
        (root / "test").mkdir()
    with pytest.raises(UserError, match=f"test {message}.*Expected the folders train, val and test"):
        read_reasonseg(root)


@pytest.fixture
def real(tmp_path: Path) -> ReasonSeg:
    """The real annotation files; two pictures are blank ones of the original size, which the train file's is not."""
    originals = shared("data/reasonseg")
    for split, name, size in (
        ("train", "11709607_652f25a747_o", (1600, 1200)),
        ("val", "199953_df81ec489c_o", (1280, 960)),
        ("val", "8451614203_e6484a2cb4_o", None),
    ):
        (tmp_path / split).mkdir(exist_ok=True)
        shutil.copy(originals / f"{split}_{name}.json", tmp_path / split / f"{name}.json")
        if size is None:
            shutil.copy(originals / f"{split}_{name}.jpg", tmp_path / split / f"{name}.jpg")
        else:
            Image.new("L", size).save(tmp_path / split / f"{name}.jpg")
    add(tmp_path, "test", "made")
    return read_reasonseg(tmp_path)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ("first", [(424, 301, 516, 426), (709, 131, 836, 275)]),
        ("union", [(424, 301, 516, 426), (516, 107, 836, 275)]),
    ],
)
def test_real_boxes_on_the_grid(real: ReasonSeg, boxes: str, expected: list[tuple[int, ...]]) -> None:
    questions, skips = questions_about(real.items["val"], boxes)
    assert [to_thousandths(q.boxes[0], q.picture.size or (0, 0)) for q in questions] == expected
    assert skips == []
    assert questions[1].instruction == "the places where the driver can observe the speed"


def test_real_wordings_of_training(real: ReasonSeg) -> None:
    questions, _ = questions_about(real.items["train"], "first", every_wording=True)
    assert len(questions) == len({question.instruction for question in questions}) == 3


@pytest.mark.parametrize("point", [[2e9, 5], [5, -2e9], [1e308, 1], [-1e12, -1e12], [401, 5], [5, -101]])
def test_a_corner_far_outside_the_picture_is_refused(root: Path, point: list[float]) -> None:
    add(root, "val", "c", shapes=[("target", [*TARGET, point])])
    with pytest.raises(UserError, match=r"c.json: shapes\[0\]: the point .* is far outside the picture, 200x100"):
        read_reasonseg(root)


def test_a_polygon_of_a_million_points_is_refused(root: Path) -> None:
    add(root, "val", "c", shapes=[("target", [[1, 1]] * 1_000_000)])
    with pytest.raises(UserError, match=r"c.json: shapes\[0\]: 1,000,000 points, more than the 100,000"):
        read_reasonseg(root)


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("scale", [(0.004, 0.008), (0.001, 0.001), (1 / 200, 1 / 100)])
def test_shares_of_the_picture_are_refused(root: Path, split: str, scale: tuple[float, float]) -> None:
    add(root, split, "z", shapes=[("target", [[x * scale[0], y * scale[1]] for x, y in TARGET])])
    with pytest.raises(UserError, match=r"z.json: shapes\[0\]: lies in one pixel; points are in pixels, not in shares"):
        read_reasonseg(root)


def test_a_dead_annotation_may_be_as_small_as_it_likes(root: Path) -> None:
    add(root, "val", "z", shapes=[("flag", [[0, 0]]), ("target", TARGET)])
    assert len(read_reasonseg(root).items["val"]) == 2


@pytest.mark.parametrize(("scale", "refused"), [(0.02, True), (0.2, True), (0.45, True), (0.9, False)])
def test_polygons_of_smaller_pictures_are_refused(tmp_path: Path, scale: float, refused: bool) -> None:
    for number in range(24):
        polygon = [[scale * x, scale * y] for x, y in ((100, 50), (190, 50), (190 + number % 3, 90))]
        add(tmp_path, "train", str(number), shapes=[("target", polygon)])
    for split in ("val", "test"):
        add(tmp_path, split, "a")
    if refused:
        with pytest.raises(UserError, match=r"train: all targets lie within 0\.\d\d of the width .*another resolution"):
            read_reasonseg(tmp_path)
    else:
        assert len(read_reasonseg(tmp_path).items["train"]) == 24
