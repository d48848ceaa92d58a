# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`visual-rft data prepare virft_hub`: published rows come out as they were published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Done
from prepared_sets import prepare as prepare_set
from prepared_sets import rows_of

from verl_visual_rft.datasets.readers.virft_hub import BAD_BOX
from verl_visual_rft.miniature.originals import write_fake
from verl_visual_rft.tasks import read_truth

DETECTION, CLASSIFICATION = "ViRFT_COCO_8_cate_4_shot", "ViRFT_CLS_flower_4_shot"


def prepare(root: Path, out: Path, *arguments: str) -> Done:
    return prepare_set("virft_hub", "--root", root, "--out", out, *arguments)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "sets"
    write_fake("virft_hub", folder, 0)
    return folder


def published(sets: Path, name: str) -> list[dict[str, Any]]:
    files = sorted((sets / name / "data").iterdir())
    return list(pa.concat_tables([pq.read_table(path) for path in files]).to_pylist())


@pytest.mark.parametrize(("name", "bad_boxes"), [(DETECTION, 1), (CLASSIFICATION, 0)])
@pytest.mark.parametrize("form", ["", "_saved"])
def test_rows_are_true_to_the_byte_and_the_word(
    name: str, bad_boxes: int, form: str, sets: Path, tmp_path: Path
) -> None:
    done = prepare(sets / (name + form), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(BAD_BOX) == bad_boxes
    source = published(sets, name)
    rows = rows_of(tmp_path / "sft_train.parquet")
    assert len(rows) == len(source) - bad_boxes
    by_picture = {row["image"]["bytes"]: row for row in source}
    for row in rows:
        original = by_picture[row["images"][0]["bytes"]]
        assert row["prompt"] == [{"role": "user", "content": "<image>" + original["problem"]}]
        assert row["messages"] == [*row["prompt"], {"role": "assistant", "content": original["solution"]}]
        ours = read_truth(row["ability"], row["reward_model"]["ground_truth"])
        assert ours.solution == read_truth(row["ability"], original["solution"]).solution == original["solution"]
    assert "virft" in {row["data_source"] for row in rows}


def test_the_published_and_the_saved_form_give_the_same_rows(sets: Path, tmp_path: Path) -> None:
    for form in ("", "_saved"):
        assert prepare(sets / (DETECTION + form), tmp_path / form).returncode == 0
    first, second = (rows_of(tmp_path / form / "train.parquet") for form in ("", "_saved"))
    for row in (*first, *second):
        del row["extra_info"]["file_name"]
    assert first == second


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (DETECTION, ["--strict"], "without area or outside 0-1000"),
        (DETECTION, ["--no-think"], "--no-think has no effect on published prompts"),
        (DETECTION, ["--family", "qwen2.5-vl"], "written for the 0-1000 grid and cannot be used for 'qwen2.5-vl'"),
        (CLASSIFICATION, ["--task", "detection"], "row 0, column 'solution'"),
        ("", [], "holds no published set"),
    ],
)
def test_what_cannot_be_done_is_refused_and_leaves_nothing(
    name: str, arguments: list[str], message: str, sets: Path, tmp_path: Path
) -> None:
    done = prepare(sets / name, tmp_path / "out", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert not list((tmp_path / "out").glob("*"))


def test_class_names_suit_families_that_answer_in_pixels(sets: Path, tmp_path: Path) -> None:
    assert prepare(sets / CLASSIFICATION, tmp_path, "--family", "qwen2.5-vl").returncode == 0
