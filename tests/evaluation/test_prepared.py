# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from io import BytesIO

import pytest
from PIL import Image

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.prepared import load_truth, read_pictures


def test_groups_and_ids(prepared):
    truth = load_truth(prepared)
    assert truth.groups == {"base": ("red square", "blue disc"), "novel": ("red disc",)}
    assert truth.category_ids["red disc"] == 3
    assert truth.image_ids["2"] == 2


def test_pictures_by_row(prepared):
    pictures = read_pictures(prepared / "val.parquet", [3, 0])
    reds = {index: Image.open(BytesIO(data)).getpixel((0, 0))[0] for index, data in pictures.items()}
    assert reds == {0: 40, 3: 120}


def test_row_that_is_not_there(prepared):
    with pytest.raises(UserError, match=r"no rows with index \[9\]"):
        read_pictures(prepared / "val.parquet", [9])


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("manifest.json", None, "no such file"),
        ("manifest.json", "{", "not JSON"),
        ("manifest.json", "[]", "not an object"),
        ("manifest.json", "{}", "no categories 'categories'"),
        (
            "manifest.json",
            json.dumps({"categories": {"base": [], "novel": ["zebra"]}}),
            "zebra.*not in val_annotations",
        ),
        ("val_annotations.json", "{}", "no key 'images'"),
    ],
)
def test_broken_folder(prepared, file, text, message):
    if text is None:
        (prepared / file).unlink()
    else:
        (prepared / file).write_text(text)
    with pytest.raises(UserError, match=message):
        load_truth(prepared)
