# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of validation: a faultless file has no finding, and every fault that is planted is found where it is."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from verl_visual_rft.coordinates import FAMILIES, answer_extent
from verl_visual_rft.datasets.validation import validate
from verl_visual_rft.errors import UserError

TASKS = ("detection", "classification", "grounding")
LIMITS = {"min_pixels": 3136, "max_pixels": 401408}


@pytest.mark.parametrize("task", TASKS)
def test_rows_without_fault(tiny, write_rows, task: str) -> None:
    rows = [tiny.row(task, index) for index in range(5)]
    answered = [tiny.with_answer(row, tiny.solutions[task]) for row in rows]
    val = [tiny.row(task, index, images=[{"bytes": tiny.encode(9 + index), **LIMITS}]) for index in range(3)]
    for row in val:
        row["extra_info"]["split"] = "val"
    paths = [write_rows(rows), write_rows(answered, "sft_train.parquet"), write_rows(val, "val.parquet")]
    assert validate(paths, max_prompt_tokens=100) == []


def chat(*turns: tuple[str | None, str | None]) -> list[dict[str, str | None]]:
    return [{"role": role, "content": content} for role, content in turns]


def truth(content: object) -> dict[str, dict[str, str]]:
    return {"reward_model": {"style": "rule", "ground_truth": json.dumps(content)}}


ROW_FAULTS = {
    "no data source": ({"data_source": ""}, "data_source", "is empty"),
    "no prompt": ({"prompt": []}, "prompt", "is empty"),
    "no image mark": ({"prompt": chat(("user", "Where?"))}, "prompt", "0 <image> for 1 pictures"),
    "two image marks": ({"prompt": chat(("user", "<image> or <image>?"))}, "prompt", "2 <image> for 1 pictures"),
    "another mark": ({"prompt": chat(("user", "<image> a <video>?"))}, "prompt", "contains <video>"),
    "an unknown role": ({"prompt": chat(("person", "<image>"), ("user", "a"))}, "prompt[0].role", "'person'"),
    "an empty turn": ({"prompt": chat(("system", ""), ("user", "<image>"))}, "prompt[0].content", "is empty"),
    "the wrong end": ({"prompt": chat(("user", "<image>"), ("assistant", "b"))}, "prompt", "ends with the role"),
    "an unknown task": ({"ability": "dreaming"}, "ability", "'dreaming' is no task"),
    "no task": ({"ability": None}, "ability", "None is no task"),
    "no truth": ({"reward_model": {"style": "rule", "ground_truth": None}}, "reward_model.ground_truth", "not JSON"),
    "another task's truth": (truth({"label": "a"}), "reward_model.ground_truth", "no list under the key 'boxes'"),
    "a box outside": (truth({"boxes": [[0, 0, 5, 1001]]}), "reward_model.ground_truth", "is not valid"),
    "an inverted box": (truth({"boxes": [[5, 0, 1, 10]]}), "reward_model.ground_truth", "is not valid"),
    "an extent of other limits": (
        truth({"boxes": [], "extent": [640, 480]}),
        "reward_model.ground_truth",
        "up to 640x480, but the model answers up to 1000x1000",
    ),
    "thinking asked for and not paid": (
        truth({"boxes": [], "think": False}) | {"prompt": chat(("user", "<image> Output it in <think> </think>"))},
        "reward_model.ground_truth",
        "but the prompt asks for thinking",
    ),
    "an unknown family": ({"extra_info": {"model_family": "llava"}}, "extra_info.model_family", "'llava' is no family"),
    "tokens of other limits": (
        {"extra_info": {"image_tokens": 9}},
        "extra_info.image_tokens",
        "9, but the picture gives 8",
    ),
    "an unknown reward": ({"extra_info": {"reward": "none"}}, "extra_info.reward", "none"),
    "a long prompt": ({"extra_info": {"prompt_tokens": 513}}, "extra_info.prompt_tokens", "513 is more than 512"),
    "an unknown length": ({"extra_info": {"prompt_tokens": None}}, "extra_info.prompt_tokens", "is not given"),
    "another size": ({"extra_info": {"width": 99}}, "extra_info.width, extra_info.height", "99x50"),
    "no index": ({"extra_info": {"index": None}}, "extra_info.index", "is not given"),
}


@pytest.mark.parametrize("name", ROW_FAULTS)
def test_a_fault_is_found_in_its_row(tiny, write_rows, name: str) -> None:
    changes, key, says = ROW_FAULTS[name]
    path = write_rows([tiny.row(index=0), tiny.row(index=1, **changes), tiny.row(index=2)])
    (finding,) = validate([path], max_prompt_tokens=512)
    assert (finding.file, finding.row, finding.key) == (path, 1, key)
    assert says in finding.problem and finding.remedy
    assert str(finding).startswith(f"{path}, row 1: {key}: ")


def turned(encode) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return encode(3, (100, 50), "JPEG", exif=exif)


UNKNOWN_SIZE = {"width": None, "height": None, "image_tokens": None}
PIXEL_LIMITS = "images[0].min_pixels, images[0].max_pixels"
PICTURE_FAULTS = {
    "no bytes": (lambda encode: {"bytes": b""}, "images[0].bytes", "has no bytes"),
    "text": (lambda encode: {"bytes": b"text"}, "images[0].bytes", "no picture in a known format"),
    "a cut tail": (lambda encode: {"bytes": encode(3, (400, 400), "JPEG")[:-40]}, "images[0].bytes", "not decode"),
    "a cut head": (lambda encode: {"bytes": encode(3, (400, 400), "JPEG")[:40]}, "images[0].bytes", "damaged"),
    "turned": (lambda encode: {"bytes": turned(encode)}, "images[0].bytes", "EXIF orientation 6"),
    "long": (lambda encode: {"bytes": encode(3, (2010, 10))}, "images[0].bytes", "200 times its short side"),
    "vanishing": (
        lambda encode: {"bytes": encode(3, (3000, 20)), "max_pixels": 12544},
        "images[0].bytes",
        "no side left",
    ),
    "no limits": (lambda encode: {"min_pixels": None, "max_pixels": None}, PIXEL_LIMITS, "None and None"),
    "crossed limits": (lambda encode: {"min_pixels": 9999, "max_pixels": 3136}, PIXEL_LIMITS, "9999 and 3136"),
    "null height": (lambda encode: {"resized_height": None}, "images[0].resized_height", "is null"),
}


@pytest.mark.parametrize("name", PICTURE_FAULTS)
def test_a_fault_of_a_picture(tiny, write_rows, name: str) -> None:
    changes, key, says = PICTURE_FAULTS[name]
    picture = {"bytes": tiny.encode(3), **LIMITS, **changes(tiny.encode)}
    (finding,) = validate([write_rows([tiny.row(images=[picture], extra_info=UNKNOWN_SIZE)])])
    assert finding.key == key and says in finding.problem and finding.remedy


def test_what_training_converts_is_no_fault(tiny, write_rows) -> None:
    rows = []
    for index, mode in enumerate(("RGBA", "P", "L", "LA", "1")):
        data = io.BytesIO()
        Image.new(mode, (100, 50)).save(data, format="PNG")
        rows.append(tiny.row(index=index, images=[{"bytes": data.getvalue(), **LIMITS}], extra_info=UNKNOWN_SIZE))
    assert validate([write_rows(rows)]) == []


@pytest.mark.parametrize("recorded", [None, "qwen2.5-vl"])
def test_pixels_of_the_resized_picture(tiny, write_rows, recorded: str | None) -> None:
    extent = answer_extent((100, 50), FAMILIES["qwen2.5-vl"], **LIMITS)
    family = {"extra_info": {"model_family": recorded}}
    good = tiny.row(**truth({"boxes": [[0, 0, *extent]], "extent": extent}), **family)
    bad = tiny.row(index=1, **truth({"boxes": [], "extent": [1280, 720]}), **family)
    (finding,) = validate([write_rows([good, bad])])
    assert (finding.row, finding.key) == (1, "reward_model.ground_truth")
    assert f"{extent[0]}x{extent[1]}" in finding.problem


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        ("detection", "<answer>[{'Position': [100, 200, 300, 401], 'Confidence': 1.00}]</answer>"),
        ("detection", "<answer>No Objects</answer>"),
        ("detection", "<answer>[{'Position': [100, 200, 300, 400], 'Confidence': 1.00}]"),
        ("classification", "<answer>beagle</answer>"),
        ("classification", "pug"),
        ("grounding", "<answer>(100,200),(300,401)</answer>"),
        ("grounding", "(100,200)"),
    ],
)
def test_an_sft_answer_that_is_not_the_truth(tiny, write_rows, task: str, answer: str) -> None:
    (finding,) = validate([write_rows([tiny.with_answer(tiny.row(task), answer)])])
    assert (finding.key, "does not say the ground truth" in finding.problem) == ("messages[1].content", True)


def test_an_sft_chat_ends_with_the_answer(tiny, write_rows) -> None:
    row = tiny.row()
    findings = validate([write_rows([{**row, "messages": row["prompt"]}])])
    assert [finding.key for finding in findings] == ["messages", "messages[0].content"]


def test_an_index_that_is_taken(tiny, write_rows) -> None:
    rows = [tiny.row(index=4), tiny.row(index=5), tiny.row(index=4)]
    (finding,) = validate([write_rows(rows)])
    assert (finding.row, finding.key, "that of row 0" in finding.problem) == (2, "extra_info.index", True)


def test_a_picture_in_two_splits(tiny, write_rows) -> None:
    train = write_rows([tiny.row(index=0), tiny.row(index=1), tiny.row(index=1, extra_info={"index": 7})])
    val = write_rows([tiny.row(index=n, extra_info={"split": "val"}) for n in (1, 2)], "val.parquet")
    (finding,) = validate([train, val])
    assert (finding.file, finding.row, finding.key) == (val, 0, "images[0].bytes")
    assert f"in split 'train' ({train}, row 1)" in finding.problem


@pytest.mark.parametrize("options", [{"format": "PNG", "compress_level": 1}, {"format": "WEBP", "lossless": True}])
def test_a_picture_in_two_splits_is_known_by_its_pixels(tiny, write_rows, options: dict[str, object]) -> None:
    train = write_rows([tiny.row(index=0), tiny.row(index=1)])
    copy = [{"bytes": tiny.encode(1, **options), **LIMITS}]
    assert copy[0]["bytes"] != tiny.encode(1)
    val = write_rows([tiny.row(index=1, images=copy, extra_info={"split": "val"})], "val.parquet")
    (finding,) = validate([train, val])
    assert f"the same picture is in split 'train' ({train}, row 1)" in finding.problem


OTHER_TRUTHS = {
    "detection": {"boxes": [[100, 200, 300, 500]]},
    "classification": {"label": "beagle", "labels": ["beagle", "pug"]},
    "grounding": {"box": [100, 200, 300, 500]},
}


@pytest.mark.parametrize("task", TASKS)
def test_two_truths_of_one_question(tiny, write_rows, task: str) -> None:
    other = {"images": tiny.row(task, 0)["images"], **truth(OTHER_TRUTHS[task])}
    path = write_rows([tiny.row(task, 0), tiny.row(task, 1), tiny.row(task, 2, **other)])
    (finding,) = validate([path])
    assert (finding.row, finding.key) == (2, "reward_model.ground_truth")
    assert f"is asked of the same picture in {path}, row 0, and the truth is another there" in finding.problem


def test_another_question_about_one_picture_may_have_another_truth(tiny, write_rows) -> None:
    other = {"images": tiny.row()["images"], **truth(OTHER_TRUTHS["detection"])}
    rows = [tiny.row(), tiny.row(index=1, prompt=chat(("user", "<image>Where is the beagle?")), **other)]
    assert validate([write_rows(rows)]) == []


def test_a_picture_has_one_class_of_each_closed_set(tiny, write_rows) -> None:
    def asked(index: int, label: str, *labels: str):
        prompt = chat(("user", f"<image>Which of {', '.join(labels)} is it?"))
        content = {"label": label, "labels": labels}
        return tiny.row("classification", index, prompt=prompt, images=tiny.row()["images"], **truth(content))

    rows = [asked(0, "rose", "rose", "tulip"), asked(1, "red", "red", "blue"), asked(2, "tulip", "tulip", "rose")]
    (finding,) = validate([write_rows(rows)])
    assert (finding.row, "row 0, and the truth is another there" in finding.problem) == (2, True)


@pytest.mark.parametrize("again", [[100, 200, 300, 400], [101, 200, 300, 399]])
def test_a_box_that_is_given_twice(tiny, write_rows, again: list[int]) -> None:
    boxes = [[100, 200, 300, 400], [500, 500, 900, 900], again]
    (finding,) = validate([write_rows([tiny.row(), tiny.row(index=1, **truth({"boxes": boxes}))])])
    assert (finding.row, finding.key) == (1, "reward_model.ground_truth")
    assert "an object is boxed twice" in finding.problem


@pytest.mark.parametrize(
    ("task", "content", "said"),
    [
        ("grounding", {"boxes": [[100, 200, 300, 400], [100, 200, 300, 400]]}, "boxed twice"),
        (
            "labelled_detection",
            {"categories": ["a", "b"], "objects": [{"bbox_2d": [1, 2, 30, 40], "label": name} for name in "aba"]},
            "boxed twice",
        ),
        ("pointing", {"targets": [{"box": [100, 200, 300, 400]}] * 2}, "boxed twice"),
        ("pointing", {"targets": [{"polygon": [[1, 1], [90, 1], [90, 90]]}] * 3}, "outlined 3 times"),
        (
            "pointing",
            {"targets": [{"polygon": [[1, 1], [90, 1], [90, 90]]}, {"polygon": [[90, 1], [90, 90], [1, 1]]}]},
            "outlined 2 times",
        ),
        ("pointing", {"targets": [{"point": [300, 300], "radius": [50, 40]}] * 2}, "outlined 2 times"),
    ],
)
def test_what_any_task_marks_twice(tiny, write_rows, task: str, content: object, said: str) -> None:
    (finding,) = validate([write_rows([tiny.row(ability=task, **truth(content))])])
    assert (finding.row, finding.key) == (0, "reward_model.ground_truth")
    assert said in finding.problem


@pytest.mark.parametrize(("far", "found"), [(500, True), (501, False)])
@pytest.mark.parametrize("shape", ["polygon", "point"])
def test_other_targets_that_all_lie_in_a_corner(tiny, write_rows, shape: str, far: int, found: bool) -> None:
    def target(n: int) -> dict[str, object]:
        if shape == "point":
            return {"point": [far - 10, 90 + n], "radius": 10}
        return {"polygon": [[0, n], [far, n], [far, n + 5]]}

    rows = [tiny.row(ability="pointing", index=n, **truth({"targets": [target(n)]})) for n in range(20)]
    findings = validate([write_rows(rows)])
    assert [(finding.row, finding.key) for finding in findings] == [(None, "reward_model.ground_truth")] * found


@pytest.mark.parametrize(
    ("count", "far", "found"),
    [(3, 1, True), (1, 1, False), (5, 48, True), (4, 48, False), (20, 500, True), (19, 500, False), (20, 501, False)],
)
def test_boxes_that_all_lie_in_a_corner(tiny, write_rows, count: int, far: int, found: bool) -> None:
    boxes = [truth({"boxes": [[0, 0, far, max(far - n, 1)]]}) for n in range(count)]
    findings = validate([write_rows([tiny.row(index=n, **box) for n, box in enumerate(boxes)])])
    assert [(finding.row, finding.key) for finding in findings] == [(None, "reward_model.ground_truth")] * found


@pytest.mark.parametrize(
    ("column", "kind", "says"),
    [
        ("prompt", None, "missing"),
        ("extra_info", None, "missing"),
        ("ability", pa.int64(), "type int64, not text"),
        ("prompt", pa.string(), "not a list of {role, content} texts"),
        ("images", pa.list_(pa.string()), "not a list of {bytes"),
        ("images", pa.list_(pa.struct({"bytes": pa.string()})), "not a list of {bytes"),
        ("reward_model", pa.struct({"style": pa.string()}), "not {style, ground_truth}"),
        ("messages", pa.string(), "not a list of {role, content} texts"),
    ],
)
def test_columns(tiny, tmp_path: Path, column: str, kind: pa.DataType | None, says: str) -> None:
    table = pa.Table.from_pylist([tiny.row()])
    if column in table.column_names:
        table = table.drop_columns([column])
    if kind is not None:
        table = table.append_column(column, pa.nulls(1, kind))
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    (finding,) = validate([path])
    assert (finding.row, finding.key) == (None, column) and says in finding.problem
    assert str(finding).startswith(f"{path}: {column}: ")


def test_published_solutions_and_structures_are_truths(tiny, write_rows) -> None:
    published = tiny.row(reward_model={"style": "rule", "ground_truth": tiny.solutions["detection"]})
    assert validate([write_rows([published])]) == []
    structure = tiny.row(reward_model={"style": "rule", "ground_truth": tiny.truths["detection"]})
    assert validate([write_rows([structure])]) == []


def test_no_parquet(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        validate([tmp_path / "none.parquet"])


_TEXT = st.none() | st.sampled_from(["", "<image>", "detection", "grounding", "{}", "[1]", "null", "user"])
_NUMBER = st.none() | st.integers(-1, 2000)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.fixed_dictionaries(
        {
            "data_source": _TEXT,
            "prompt": st.none() | st.lists(st.none() | st.fixed_dictionaries({"role": _TEXT, "content": _TEXT})),
            "images": st.none()
            | st.lists(
                st.none()
                | st.fixed_dictionaries(
                    {"bytes": st.none() | st.binary(max_size=9), "min_pixels": _NUMBER, "max_pixels": _NUMBER}
                )
            ),
            "ability": _TEXT,
            "reward_model": st.none() | st.fixed_dictionaries({"ground_truth": _TEXT}),
            "extra_info": st.none()
            | st.fixed_dictionaries({"index": _NUMBER, "prompt_tokens": _NUMBER, "width": _NUMBER, "reward": _TEXT}),
            "messages": st.none() | st.lists(st.none() | st.fixed_dictionaries({"role": _TEXT, "content": _TEXT})),
        }
    )
)
def test_any_row_of_the_schema_gives_findings_and_no_traceback(tmp_path: Path, row) -> None:
    chat_type = pa.list_(pa.struct({"role": pa.string(), "content": pa.string()}))
    picture = pa.struct({"bytes": pa.binary(), "min_pixels": pa.int64(), "max_pixels": pa.int64()})
    schema = pa.schema(
        {
            "data_source": pa.string(),
            "prompt": chat_type,
            "images": pa.list_(picture),
            "ability": pa.string(),
            "reward_model": pa.struct({"ground_truth": pa.string()}),
            "extra_info": pa.struct(
                {"index": pa.int64(), "prompt_tokens": pa.int64(), "width": pa.int64(), "reward": pa.string()}
            ),
            "messages": chat_type,
        }
    )
    path = tmp_path / "any.parquet"
    pq.write_table(pa.Table.from_pylist([row], schema=schema), path)
    assert validate([path], max_prompt_tokens=100)
