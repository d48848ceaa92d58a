# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of masks: filled boxes, overlaps with pixels to be ignored, and the masks file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools import mask as pycocotools_mask

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.masks import (
    PredictedMask,
    TrueMask,
    decode_mask,
    encode_mask,
    fill_box,
    overlap,
    read_predicted_masks,
    read_true_mask,
)

masks = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))


@pytest.mark.parametrize(
    ("box", "pixels"),
    [
        ((0, 0, 4, 3), 12),
        ((1, 1, 3, 2), 2),
        ((0.5, 0.5, 1.5, 1.5), 1),
        ((0.6, 0.6, 1.4, 1.4), 0),
        ((-5, -5, 9, 9), 12),
        ((-5, -5, -1, -1), 0),
    ],
)
def test_a_filled_box_holds_the_pixels_whose_centres_lie_in_it(box, pixels):
    mask = fill_box(box, (4, 3))
    assert (mask.shape, int(mask.sum())) == ((3, 4), pixels)
    for y, x in np.argwhere(mask):
        assert box[0] <= x + 0.5 < box[2] and box[1] <= y + 0.5 < box[3]


def test_pixels_to_be_ignored_count_neither_in_intersection_nor_in_union():
    target = np.array([[1, 1, 0, 0, 0]], dtype=bool)
    counted = np.array([[1, 1, 1, 0, 0]], dtype=bool)
    assert overlap(np.array([[0, 1, 1, 1, 1]], dtype=bool), TrueMask(target, counted)) == (1, 3)
    assert overlap(np.array([[0, 1, 1, 1, 1]], dtype=bool), TrueMask(target, np.ones_like(counted))) == (1, 5)


def test_no_mask_misses_the_whole_target():
    assert overlap(None, TrueMask(np.ones((2, 3), dtype=bool), np.ones((2, 3), dtype=bool))) == (0, 6)


@given(mask=masks)
def test_run_lengths_are_cocos_and_come_back_as_they_were(mask):
    encoded = json.loads(json.dumps(encode_mask(mask)))
    witness = pycocotools_mask.decode({"size": encoded["size"], "counts": encoded["counts"].encode()})
    assert (witness == mask).all()
    assert (decode_mask(encoded) == mask).all()


def write_mask(path: Path, values: list[list[int]]) -> Path:
    Image.fromarray(np.array(values, dtype=np.uint8)).save(path)
    return path


def test_a_prepared_mask_tells_target_from_background_and_from_what_to_ignore(tmp_path):
    mask = read_true_mask(write_mask(tmp_path / "a.png", [[0, 1, 255], [0, 1, 1]]))
    assert mask.size == (3, 2)
    assert mask.target.tolist() == [[False, True, False], [False, True, True]]
    assert mask.counted.tolist() == [[True, True, False], [True, True, True]]


def test_what_is_no_prepared_mask_is_refused(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    Image.new("RGB", (4, 4)).save(tmp_path / "colour.png")
    write_mask(tmp_path / "grey.png", [[0, 7]])
    for name, message in [
        ("none.png", "no such mask"),
        ("text.png", "cannot be read as a picture"),
        ("colour.png", "not a mask of 0, 1 and 255"),
        ("grey.png", "not a mask of 0, 1 and 255"),
    ]:
        with pytest.raises(UserError, match=f"{name}.*{message}"):
            read_true_mask(tmp_path / name)


def test_a_masks_file_is_read_back(tmp_path):
    written = [
        PredictedMask(3, (0.1, 0.2, 2.5, 1 / 3), encode_mask(np.eye(3, dtype=bool))),
        PredictedMask(5, None, None),
    ]
    path = tmp_path / "masks.jsonl"
    path.write_text("".join(json.dumps(asdict(mask)) + "\n" for mask in written))
    assert read_predicted_masks(path) == {3: written[0], 5: written[1]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"index": 1, "box": null, "segm', "line 1"),
        ('{"index": 1, "box": null}', "line 1.*segmentation"),
        ("7", "line 1"),
        ('{"index": 1, "box": null, "segmentation": null}\n' * 2, "line 2: row 1 has a second mask"),
    ],
)
def test_what_is_no_masks_file_is_refused(tmp_path, content, message):
    path = tmp_path / "masks.jsonl"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_predicted_masks(path)
    with pytest.raises(UserError, match=r"none\.jsonl.*visual-rft segment"):
        read_predicted_masks(tmp_path / "none.jsonl")
