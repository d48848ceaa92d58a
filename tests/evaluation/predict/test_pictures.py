# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict.engines.pictures import load_image


def _row(data: bytes, count: int = 1, family: str | None = "qwen2-vl") -> dict:
    image = {"bytes": data, "min_pixels": 3136, "max_pixels": 50176}
    extra = {"index": 7, "file_name": "a.png", "category": "cat", "model_family": family}
    return {"images": [image] * count, "extra_info": extra}


def _png(size, mode="RGB"):
    data = BytesIO()
    noise = Image.merge("RGBA", [Image.effect_noise(size, 60 + band) for band in range(4)])
    noise.convert(mode).save(data, format="PNG")
    return data.getvalue()


@pytest.mark.parametrize("size", [(112, 112), (200, 100), (640, 480), (30, 900), (5, 7)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
@pytest.mark.parametrize(("family", "patch"), [("qwen2-vl", 14), ("qwen2.5-vl", 14), ("qwen3-vl", 16), (None, 14)])
def test_picture_has_the_pixels_of_training(size, mode, family, patch):
    # The witness is the function that veRL resizes with.
    vision_utils = pytest.importorskip("verl.utils.dataset.vision_utils")
    data = _png(size, mode)
    ours = load_image(_row(data, family=family))
    trained_on = vision_utils.process_image({"bytes": data, "min_pixels": 3136, "max_pixels": 50176}, patch)
    assert ours.size == trained_on.size
    assert ours.tobytes() == trained_on.tobytes()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (_row(_png((64, 64))[:60]), r"row 7 \(a.png, 'cat'\): the picture cannot be used"),
        (_row(b""), "the picture cannot be used"),
        (_row(_png((1, 300))), "the picture cannot be used .*longer than 200 times"),
        (_row(_png((64, 64)), count=2), "2 pictures, one is expected"),
    ],
)
def test_a_picture_that_cannot_be_used_names_the_row(row, message):
    with pytest.raises(UserError, match=message):
        load_image(row)
