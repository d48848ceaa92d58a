# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the image check: each kind of file that a model would not see as annotated."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from verl_visual_rft.datasets.coco_layout import CocoImage
from verl_visual_rft.datasets.images import check_images, describe_problem, find_missing
from verl_visual_rft.errors import UserError

PHOTOS = Path(__file__).parents[2].parent / "shared/data/visual_rft/images"
ENTRY = CocoImage(1, "1.jpg", 100, 50)


def encoded(
    mode: str = "RGB", size: tuple[int, int] = (100, 50), file_format: str = "JPEG", **options: object
) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 90).convert(mode).save(buffer, file_format, **options)
    return buffer.getvalue()


def rotated(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(exif=exif)


@pytest.mark.parametrize(
    "data",
    [encoded(), encoded("L"), encoded(file_format="PNG"), encoded(file_format="WEBP"), rotated(1)],
    ids=["jpeg", "grey", "png", "webp", "upright"],
)
def test_readable_images_pass(data: bytes) -> None:
    assert describe_problem(data, ENTRY) is None


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the file is empty"),
        (b"<html>404</html>", "not an image"),
        (encoded()[:-400], "damaged: image file is truncated"),
        (encoded(file_format="PNG")[:-400], "damaged: "),
        (encoded(size=(50, 100)), "50x100 pixels, but 100x50 in the annotation file"),
        (encoded("P", file_format="GIF"), "format GIF"),
        (encoded("CMYK"), "colour mode CMYK"),
        (encoded("P", file_format="PNG"), "colour mode P"),
        (encoded("RGBA", file_format="PNG"), "colour mode RGBA"),
        (rotated(6), "EXIF orientation 6"),
    ],
)
def test_other_images_are_described(data: bytes, problem: str) -> None:
    assert (describe_problem(data, ENTRY) or "").startswith(problem)


def test_animated_and_extremely_long_images_are_described() -> None:
    frame = Image.new("RGB", (100, 50))
    buffer = io.BytesIO()
    frame.save(buffer, "WEBP", save_all=True, append_images=[Image.new("RGB", (100, 50), "red")])
    assert "animated" in (describe_problem(buffer.getvalue(), ENTRY) or "")
    long = CocoImage(1, "1.png", 2010, 10)
    assert "200 times" in (describe_problem(encoded(size=(2010, 10), file_format="PNG"), long) or "")


def test_check_images_names_every_bad_file_and_its_id(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(encoded())
    (tmp_path / "2.jpg").write_bytes(b"x")
    images = [ENTRY, CocoImage(2, "2.jpg", 100, 50), CocoImage(3, "3.jpg", 100, 50)]
    with pytest.raises(UserError, match="2 of 3 images") as caught:
        check_images(tmp_path, images, "checking")
    assert f"{tmp_path / '2.jpg'} (image id 2): not an image" in str(caught.value)
    assert f"{tmp_path / '3.jpg'} (image id 3): cannot be read" in str(caught.value)


def test_find_missing(tmp_path: Path) -> None:
    images = [ENTRY, CocoImage(2, "2.jpg", 100, 50)]
    with pytest.raises(UserError, match="does not exist"):
        find_missing(tmp_path / "gone", images)
    with pytest.raises(UserError, match="none of the 2"):
        find_missing(tmp_path, images)
    (tmp_path / "2.jpg").touch()
    assert find_missing(tmp_path, images) == {1}


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the real COCO photographs are not on this machine")
def test_real_photographs_pass() -> None:
    photos = sorted(PHOTOS.glob("*.jpg"))
    assert photos
    for photo in photos:
        with Image.open(photo) as image:
            entry = CocoImage(int(photo.stem), photo.name, *image.size)
        assert describe_problem(photo.read_bytes(), entry) is None
