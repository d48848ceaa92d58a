# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of reading one's own JSON-lines files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from task_package import lay_task

from verl_visual_rft.datasets.box_forms import CUT
from verl_visual_rft.datasets.file_names import RESPELT
from verl_visual_rft.datasets.readers.jsonl import JsonLines, read_jsonl
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.classification.question import ClassificationQuestion
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.grounding.question import GroundingQuestion

DETECTION = {"image": "photos/1.jpg", "task": "detection", "category": "cup", "boxes": [[10, 5, 40.5, 25]]}
CLASSIFICATION = {"image": "photos/1.jpg", "task": "classification", "label": "kitchen"}
GROUNDING = {"image": "photos/2.jpg", "task": "grounding", "instruction": "what one drinks from", "box": [0, 0, 9, 9]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos of 100x50; the second is stored turned."""
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (100, 50)).save(tmp_path / "photos/1.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (50, 100)).save(tmp_path / "photos/2.jpg", exif=exif)
    return tmp_path


def write(folder: Path, *lines: object, name: str = "own.jsonl") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def read(folder: Path, *lines: object) -> JsonLines:
    return read_jsonl({"train": write(folder, *lines)}, "a room", "the kind of the room")


def test_tasks_mix_in_one_file(folder: Path) -> None:
    content = read(folder, DETECTION, "", CLASSIFICATION, GROUNDING)
    detection, classification, grounding = content.splits["train"]
    assert isinstance(detection, DetectionQuestion)
    assert (detection.category, detection.category_id, detection.boxes) == ("cup", 1, ((10.0, 5.0, 40.5, 25.0),))
    assert detection.picture.path == folder / "photos/1.jpg"
    assert (detection.picture.id, detection.picture.name, detection.picture.size) == (
        "photos/1.jpg", "photos/1.jpg", (100, 50),
    )  # fmt: skip
    assert isinstance(classification, ClassificationQuestion)
    assert (classification.name, classification.classes.container) == ("kitchen", "a room")
    assert isinstance(grounding, GroundingQuestion)
    assert (grounding.instruction, grounding.boxes) == ("what one drinks from", ((0.0, 0.0, 9.0, 9.0),))
    assert grounding.picture.size == (100, 50), "boxes lie on the upright picture"


def test_a_line_may_name_its_reward(folder: Path) -> None:
    lines = [DETECTION | {"reward": "paper"}, CLASSIFICATION, GROUNDING | {"reward": "iou=1,format=0.5"}]
    assert [q.reward for q in read(folder, *lines).splits["train"]] == ["paper", None, "iou=1,format=0.5"]


def test_a_category_may_be_absent(folder: Path) -> None:
    (question,) = read(folder, DETECTION | {"boxes": []}).splits["train"]
    assert isinstance(question, DetectionQuestion) and question.boxes == ()


def test_files_of_a_data_set_share_labels_categories_and_picture_ids(folder: Path) -> None:
    train = write(folder, DETECTION, CLASSIFICATION)
    (folder / "later").mkdir()
    Image.new("RGB", (100, 50)).save(folder / "later/1.jpg")
    val = write(
        folder,
        {"image": "1.jpg", "task": "detection", "category": "bowl", "boxes": []},
        {"image": "1.jpg", "task": "classification", "label": "bath"},
        name="later/val.jsonl",
    )
    content = read_jsonl({"train": train, "val": val}, "a room", "its kind")
    classes = [q.classes.names for split in content.splits.values() for q in split if q.task == "classification"]
    assert classes == [("bath", "kitchen")] * 2
    assert [q.category_id for split in content.splits.values() for q in split if isinstance(q, DetectionQuestion)] == [
        2,
        1,
    ]
    assert [question.picture.id for question in content.splits["val"]] == ["later/1.jpg"] * 2


def test_boxes_that_overshoot_by_rounding_end_at_the_edge(folder: Path) -> None:
    (question,) = read(folder, DETECTION | {"boxes": [[-0.4, 0, 100.5, 50.9]]}).splits["train"]
    assert isinstance(question, DetectionQuestion) and question.boxes == ((0.0, 0.0, 100.0, 50.0),)


def test_pictures_that_cannot_be_read_are_left_to_the_pipeline(folder: Path) -> None:
    (folder / "photos/3.jpg").write_bytes(b"no picture")
    lines = [DETECTION | {"image": f"photos/{name}.jpg"} for name in (3, 4)]
    assert [question.picture.size for question in read(folder, *lines).splits["train"]] == [None, None]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"image": ', r"line 2: is not JSON: .*"),
        ("[1, 2]", "line 2: is list, not an object"),
        ({"image": "photos/1.jpg"}, "line 2: 'task' is None, not one of detection, classification, grounding"),
        (DETECTION | {"task": "segmentation"}, "line 2: 'task' is 'segmentation'"),
        (DETECTION | {"task": ["detection"]}, r"line 2: 'task' is \['detection'\]"),
        (
            {"task": "classification", "label": "a"},
            "line 2: no key 'image'; a classification line has image, task, label",
        ),
        (DETECTION | {"boxs": []}, "line 2: unknown key 'boxs'"),
        (CLASSIFICATION | {"box": [1, 2, 3, 4]}, "line 2: unknown key 'box'"),
        (CLASSIFICATION | {"label": "  "}, "line 2: 'label' is '  ', not a text"),
        (CLASSIFICATION | {"label": 3}, "line 2: 'label' is 3, not a text"),
        (DETECTION | {"category": ""}, "line 2: 'category' is '', not a text"),
        (GROUNDING | {"instruction": None}, "line 2: 'instruction' is None, not a text"),
        (GROUNDING | {"instruction": "the <image>"}, "line 2: 'instruction' 'the <image>' contains a placeholder"),
        (CLASSIFICATION | {"reward": ""}, "line 2: 'reward' is '', not a text"),
        (CLASSIFICATION | {"image": ""}, "line 2: 'image' is '', not a path"),
        (CLASSIFICATION | {"image": "/etc/1.jpg"}, "line 2: 'image' '/etc/1.jpg' is no path inside the folder"),
        (CLASSIFICATION | {"image": "photos/../../1.jpg"}, "line 2: 'image' .* is no path inside the folder"),
        (DETECTION | {"boxes": {}}, "line 2: 'boxes' is {}, not a list of boxes"),
        (DETECTION | {"boxes": [1, 2, 3, 4]}, "line 2: box 1 is not four finite numbers"),
        (DETECTION | {"boxes": [[1, 2, 3]]}, r"line 2: box \[1, 2, 3\] is not four finite numbers"),
        (
            '{"image": "photos/1.jpg", "task": "grounding", "instruction": "a", "box": [0, 0, NaN, 9]}',
            "not four finite",
        ),
        (GROUNDING | {"box": [9, 0, 9, 9]}, r"line 2: box \[9, 0, 9, 9\] has no area"),
        (GROUNDING | {"box": [0.1, 0.2, 0.9, 0.8]}, "line 2: box .* lies in one pixel; boxes are in pixels"),
        (GROUNDING | {"box": [10, 10, 950, 49]}, "line 2: box .* reaches out of the picture, which is 100x50"),
        (GROUNDING | {"box": [100, 10, 100.9, 49]}, "line 2: box .* reaches out of the picture"),
        (GROUNDING | {"box": [-2, 10, 90, 49]}, "line 2: box .* reaches out of the picture"),
    ],
)
def test_a_line_that_is_no_question_is_named(line: object, message: str, folder: Path) -> None:
    with pytest.raises(UserError, match=message):
        read(folder, DETECTION, line)


@pytest.mark.usefixtures("fresh_registry")
def test_a_line_of_a_task_that_cannot_be_loaded_says_why(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = lay_task(tmp_path, monkeypatch, {"FORM = ": "import absent_module\nFORM = "})
    with pytest.raises(UserError, match=f"line 1: task '{name}' .*of package .*cannot be loaded: .*'absent_module'"):
        read(folder, {"image": "photos/1.jpg", "task": name, "statement": "x", "right": "yes"})


@pytest.mark.parametrize(
    "second",
    [DETECTION | {"boxes": [[1, 2, 30, 40]]}, DETECTION | {"image": "./photos/1.jpg"}],
)
def test_one_question_cannot_stand_on_two_lines(second: dict[str, Any], folder: Path) -> None:
    with pytest.raises(UserError, match="line 3: asks the same of the same picture as line 1"):
        read(folder, DETECTION, CLASSIFICATION, second)


def test_a_picture_has_one_label(folder: Path) -> None:
    with pytest.raises(UserError, match="line 2: asks the same of the same picture as line 1"):
        read(folder, CLASSIFICATION, CLASSIFICATION | {"label": "bath"})


def test_every_faulty_line_is_counted_and_ten_are_shown(folder: Path) -> None:
    with pytest.raises(UserError, match="12 lines are no questions") as raised:
        read(folder, *[CLASSIFICATION | {"label": ""}] * 12)
    assert "line 10:" in str(raised.value) and "line 11:" not in str(raised.value)
    assert "and 2 more" in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "has no line"), (b"\n\n", "has no line"), (b'{"image": "\xff"}', "is not UTF-8")]
)
def test_files_without_questions_are_refused(content: bytes, message: str, folder: Path) -> None:
    path = folder / "own.jsonl"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_jsonl({"train": path}, "a room", "its kind")


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*none\.jsonl"):
        read_jsonl({"train": folder / "none.jsonl"}, "a room", "its kind")


@pytest.mark.parametrize("whole", [True, False])
def test_an_array_is_read_as_well(folder: Path, whole: bool) -> None:
    text = json.dumps([DETECTION, GROUNDING], indent=2 if whole else None)
    assert len(read(folder, text).splits["train"]) == 2
    with pytest.raises(UserError, match="line 2: 'task' is None"):
        read(folder, json.dumps([DETECTION, {"image": "photos/1.jpg"}]))


@pytest.mark.parametrize(
    "line",
    [
        DETECTION | {"id": 7, "width": 100, "height": 50},
        DETECTION | {"image": "photos\\1.jpg"},
        DETECTION | {"image": "photos%2F1.jpg"},
        DETECTION | {"image": "D:\\mine\\photos\\1.jpg"},
        DETECTION | {"boxes": [[10, 5, 40.5, 25], [10, 5, 40.5, 25]]},
        DETECTION | {"boxes": [[10, 5, 40.5, 25], [10.5, 5, 40, 25.5]]},
    ],
)
def test_common_forms_are_the_same_question(folder: Path, line: dict[str, Any]) -> None:
    assert read(folder, line).splits == read(folder, DETECTION).splits


def test_pictures_may_be_listed_as_a_whole_or_lie_elsewhere(folder: Path) -> None:
    whole = DETECTION | {"image": str(folder / "photos/1.jpg")}
    assert read(folder, whole).splits == read(folder, DETECTION).splits
    path = write(folder, whole, GROUNDING | {"image": "../photos/2.jpg"}, name="labels/own.jsonl")
    with pytest.raises(UserError, match=r"line 1: .*labels; give --images with a folder that(.|\n)*line 2"):
        read_jsonl({"train": path}, "a room", "its kind")
    content = read_jsonl({"train": path}, "a room", "its kind", images=folder)
    assert [question.picture.name for question in content.splits["train"]] == ["photos/1.jpg", "photos/2.jpg"]


def test_a_name_as_it_stands_comes_before_what_it_may_mean(folder: Path) -> None:
    for name in ("x/a/1.png", "1.png", "a/2.png", "x/a/2.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (100, 50)).save(folder / name)
    lines = [CLASSIFICATION | {"image": name} for name in ("a/1.png", "a/2.png")]
    path = write(folder, *lines, name="x/own.jsonl")
    content = read_jsonl({"train": path}, "a room", "its kind", images=folder)
    assert [question.picture.name for question in content.splits["train"]] == ["x/a/1.png", "a/2.png"]


@pytest.mark.parametrize(
    ("listed", "counted"),
    [
        ("{folder}/photos/1.jpg", []),
        ("{folder}/link/1.jpg", []),
        ("../photos/1.jpg", []),
        ("/another/machine/1.jpg", [RESPELT]),
        ("photos\\1.jpg", [RESPELT]),
    ],
)
def test_a_path_that_leads_to_the_picture_is_no_other_spelling(folder: Path, listed: str, counted: list[str]) -> None:
    (folder / "link").symlink_to(folder / "photos")
    line = CLASSIFICATION | {"image": listed.format(folder=folder)}
    path = write(folder, line, name="labels/own.jsonl")
    content = read_jsonl({"train": path}, "a room", "its kind", images=folder / "photos")
    assert [question.picture.name for question in content.splits["train"]] == ["1.jpg"]
    assert [mend.rule for mend in content.mends] == counted


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instruction": None}, "line 1: 'instruction' is None, not a text"),
        ({"instruction": "the <image>"}, "line 1: 'instruction' 'the <image>' contains a placeholder"),
        ({"category": "cup"}, "line 1: unknown key 'category'; a grounding line has image, task, instruction, box"),
        ({"label": "cup"}, "line 1: unknown key 'label'; a grounding line has image, task, instruction, box"),
    ],
)
@pytest.mark.parametrize("key", ["box", "boxes"])
def test_an_error_of_an_instruction_with_several_boxes_names_the_keys_of_the_line(
    folder: Path, key: str, change: dict[str, Any], message: str
) -> None:
    line = {"image": "photos/1.jpg", "task": "grounding", "instruction": "cups", key: [[0, 0, 9, 9], [20, 0, 29, 9]]}
    with pytest.raises(UserError, match=message):
        read(folder, line | change)
    del line["instruction"]
    with pytest.raises(UserError, match="line 1: no key 'instruction'"):
        read(folder, line)


def test_a_list_of_one_box_is_its_box(folder: Path) -> None:
    for key in ("box", "boxes"):
        line = {name: value for name, value in GROUNDING.items() if name != "box"} | {key: [GROUNDING["box"]]}
        assert read(folder, line).splits == read(folder, GROUNDING).splits


def test_a_stated_size_must_be_the_pictures(folder: Path) -> None:
    with pytest.raises(UserError, match="line 1: 'width' and 'height' say 640x480, but the picture is 100x50"):
        read(folder, DETECTION | {"width": 640, "height": 480})


@pytest.mark.parametrize("stated", [("100", "50"), (100.0, 50.0), (100, "50"), ("0100", 50), (100, None), (None, None)])
def test_a_stated_size_may_be_written_otherwise(folder: Path, stated: tuple[object, object]) -> None:
    given = {"width": stated[0], "height": stated[1]}
    if None in stated and stated != (None, None):
        with pytest.raises(UserError, match="'width' and 'height' say 100xNone, but the picture is 100x50"):
            read(folder, DETECTION | given)
    else:
        assert read(folder, DETECTION | given).splits == read(folder, DETECTION).splits


def test_what_was_mended_is_listed(folder: Path) -> None:
    doubled = DETECTION | {"image": "photos\\1.jpg", "boxes": [[10, 5, 40, 25], [10, 5, 40, 25]]}
    assert [(mend.rule, mend.where) for mend in read(folder, GROUNDING, doubled).mends] == [
        ("file found under another spelling of its name", r"own.jsonl: line 2: 'photos\\1.jpg' is 'photos/1.jpg'"),
        ("box annotated twice", "own.jsonl: line 2: (10.0, 5.0, 40.0, 25.0)"),
    ]


def test_boxes_of_another_form_are_told_by_the_whole_file(folder: Path) -> None:
    lines = [DETECTION | {"category": f"cup {n}", "boxes": [[50 + n, 20 + n, 10, 12]]} for n in range(20)]
    with pytest.raises(UserError, match=r"line 1: box (.|\n)*give --bbox xywh"):
        read(folder, *lines)
    path = write(folder, *lines)
    told = read_jsonl({"train": path}, "a room", "its kind", bbox="xywh").splits["train"]
    assert [q.boxes for q in told if isinstance(q, DetectionQuestion)][:2] == [((50, 20, 60, 32),), ((51, 21, 61, 33),)]


def test_boxes_of_a_smaller_picture_are_refused(folder: Path) -> None:
    lines = [DETECTION | {"category": f"cup {n}", "boxes": [[n, n, 12 + n, 4 + n]]} for n in range(20)]
    with pytest.raises(UserError, match="all 20 lie within 0.31 of the width .*another resolution"):
        read(folder, *lines)
    assert read_jsonl({"train": write(folder, *lines)}, "a room", "its kind", bbox="xyxy").mends == ()


def test_boxes_of_a_form_that_is_told_are_cut_and_counted(folder: Path) -> None:
    boxes = [[10, 5, 60, 45]] * 17 + [[40, 20, 108, 40], [-3, 20, 30, 53], [0, 0, 1, 1]]
    lines = [DETECTION | {"category": f"cup {n}", "boxes": [box]} for n, box in enumerate(boxes)]
    path = write(folder, *lines)
    with pytest.raises(UserError, match="3 lines are no questions:\n.*line 18: .*--bbox xyxy has them cut"):
        read_jsonl({"train": path}, "a room", "its kind")
    told = read_jsonl({"train": path}, "a room", "its kind", bbox="xyxy")
    assert [q.boxes[0] for q in told.splits["train"][17:] if isinstance(q, DetectionQuestion)] == [
        (40, 20, 100, 40), (0, 20, 30, 50), (0, 0, 1, 1),
    ]  # fmt: skip
    assert [(mend.rule, mend.where) for mend in told.mends] == [
        (CUT, "own.jsonl: line 18: (40.0, 20.0, 108.0, 40.0) in 100x50"),
        (CUT, "own.jsonl: line 19: (-3.0, 20.0, 30.0, 53.0) in 100x50"),
    ]


@pytest.mark.parametrize("box", [[40, 20, 40, 30], [120, 20, 140, 30], [0.1, 50, 0.9, 60]])
def test_a_box_without_area_is_refused_though_its_form_is_told(folder: Path, box: list[float]) -> None:
    path = write(folder, DETECTION | {"boxes": [box]})
    with pytest.raises(UserError, match=r"line 1: box \[.*(no area|reaches out)"):
        read_jsonl({"train": path}, "a room", "its kind", bbox="xyxy")
