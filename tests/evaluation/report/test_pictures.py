# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from verl_visual_rft.evaluation.report.pictures import SIZES, data_uris


def _encode(pixels, **options):
    data = BytesIO()
    Image.fromarray(pixels).save(data, **options)
    return data.getvalue()


def _noise(seed, size=(480, 640)):
    return _encode(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8), format="JPEG", quality=90)


def _open(uri):
    return Image.open(BytesIO(b64decode(uri.removeprefix("data:image/webp;base64,"))))


@pytest.mark.parametrize("budget", [1_600_000, 300_000, 100_000])
def test_budget_is_kept(budget):
    uris = list(data_uris([_noise(seed) for seed in range(4)], budget))
    assert budget / 5 < sum(map(len, uris)) <= budget


def test_no_budget_gives_the_smallest():
    (uri,) = data_uris([_noise(0)], 0)
    assert max(_open(uri).size) == SIZES[-1][0]


def test_a_heavy_picture_among_light_ones_is_reduced():
    light = [_encode(np.full((480, 640, 3), grey, np.uint8), format="PNG") for grey in range(100, 116)]
    # Every other picture is tried out to choose the size, and the heavy one is not among them.
    first, heavy, *others = data_uris([light[0], _noise(0), *light[1:]], 17 * 20_000)
    assert len(heavy) <= 40_000
    assert {max(_open(uri).size) for uri in (first, *others)} == {SIZES[0][0]}


def test_pixels_are_shown_as_the_model_saw_them():
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[:, :100] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # a viewer would turn it by 90 degrees
    (uri,) = data_uris([_encode(pixels, format="JPEG", exif=exif)], 10**6)
    shown = np.asarray(_open(uri).convert("L"))
    assert shown.shape == (100, 200)
    assert shown[:, :90].min() > 200 and shown[:, 110:].max() < 50


def test_same_input_gives_the_same_bytes():
    pictures = [_noise(seed, (200, 300)) for seed in range(6)]
    assert list(data_uris(pictures, 200_000)) == list(data_uris(pictures, 200_000))


def test_none():
    assert list(data_uris([], 1000)) == []
