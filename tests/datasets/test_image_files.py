# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of pictures: which are stored as they are, which are converted and how, and which are left out."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from shared_inputs import shared

from verl_visual_rft.coordinates import Placement
from verl_visual_rft.datasets.images import StoredPicture, load_picture
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.tasks.question import Picture

SIZE = (100, 50)


def encoded(mode: str = "RGB", size: tuple[int, int] = SIZE, file_format: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 90).convert(mode).save(buffer, file_format, **options)
    return buffer.getvalue()


def animated(file_format: str) -> bytes:
    buffer = io.BytesIO()
    frame = Image.new("RGB", SIZE, "red")
    frame.save(buffer, file_format, save_all=True, append_images=[Image.new("RGB", SIZE, "blue")])
    return buffer.getvalue()


def translucent() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA", SIZE, (255, 255, 255, 9)).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def turned(orientation: int, size: tuple[int, int] = SIZE) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(size=size, exif=exif)


def load(data: bytes, size: tuple[int, int] | None = SIZE, crop_bottom: int = 0) -> StoredPicture | Skip:
    return load_picture(Picture("1", Path("none"), "a/1.jpg", size, crop_bottom, data))


def stored(data: bytes, size: tuple[int, int] | None = SIZE, crop_bottom: int = 0) -> StoredPicture:
    picture = load(data, size, crop_bottom)
    assert isinstance(picture, StoredPicture), picture
    return picture


def pixels(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


@pytest.mark.parametrize(
    "data",
    [
        encoded(),
        encoded("L"),
        encoded(progressive=True),
        encoded(file_format="PNG"),
        encoded(file_format="WEBP"),
        animated("MPO"),  # what telephones write
        turned(1),
        turned(9),  # no such orientation: readers ignore it
        encoded() + b"camera maker's notes",
    ],
    ids=["jpeg", "grey", "progressive", "png", "webp", "mpo", "upright", "bad tag", "bytes behind the end"],
)
def test_what_every_reader_shows_alike_is_stored_as_it_is(data: bytes) -> None:
    picture = stored(data)
    assert (picture.data, picture.conversions) == (data, ())
    assert picture.placement == Placement(SIZE, SIZE)


@pytest.mark.parametrize(
    ("data", "rules", "file_format"),
    [
        (encoded("P", file_format="GIF"), ("format GIF",), "PNG"),
        (encoded(file_format="BMP"), ("format BMP",), "PNG"),
        (animated("PNG"), ("animated PNG",), "PNG"),
        (animated("WEBP"), ("animated WEBP",), "PNG"),
        (encoded("CMYK"), ("colour mode CMYK",), "JPEG"),
        (encoded("P", file_format="PNG"), ("colour mode P",), "PNG"),
        (encoded("1", file_format="PNG"), ("colour mode 1",), "PNG"),
        (encoded("LA", file_format="PNG"), ("colour mode LA",), "PNG"),
        (encoded("RGBA", file_format="PNG"), ("colour mode RGBA",), "PNG"),
        (translucent(), ("colour mode RGBA",), "PNG"),
    ],
)
def test_what_readers_disagree_on_is_converted(data: bytes, rules: tuple[str, ...], file_format: str) -> None:
    picture = stored(data)
    assert picture.conversions == rules
    with Image.open(io.BytesIO(picture.data)) as image:
        assert (image.format, image.size) == (file_format, SIZE)
        assert image.mode in ("RGB", "L")
    if file_format == "PNG":
        assert pixels(picture.data).tobytes() == pixels(data).tobytes()
    assert stored(picture.data).data == picture.data


def test_published_rows_keep_their_colour_mode() -> None:
    data = encoded("RGBA", file_format="PNG")
    picture = load_picture(Picture("1", Path("none"), "train.parquet#0", SIZE, data=data, as_published=True))
    assert isinstance(picture, StoredPicture)
    assert (picture.data, picture.conversions) == (data, ())


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_becomes_white(mode: str) -> None:
    image = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    image.paste((10, 10, 10, 255), (0, 0, 50, 50))
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, "PNG")
    shown = pixels(stored(buffer.getvalue()).data)
    assert (shown.getpixel((0, 0)), shown.getpixel((99, 49))) == ((10, 10, 10), (255, 255, 255))


@pytest.mark.parametrize(
    ("data", "rule", "detail"),
    [
        (b"", "not a picture", ""),
        (b"<html>404</html>", "not a picture", ""),
        (encoded()[: len(encoded()) // 2], "damaged picture", "image file is truncated .*rows are missing"),
        (encoded(file_format="PNG")[:-3000], "damaged picture", ""),
        (encoded("RGBA", file_format="PNG")[:-9000], "damaged picture", ""),
        (encoded(size=(60, 50)), "size differs from the annotation", "60x50 pixels, annotated 100x50"),
        (encoded(size=(50, 100)), "size differs from the annotation", ""),
        (encoded("I;16", file_format="PNG"), "unknown colour mode", "I;16"),
    ],
)
def test_what_cannot_be_shown_is_left_out(data: bytes, rule: str, detail: str) -> None:
    picture = load(data)
    assert isinstance(picture, Skip)
    assert picture.rule == rule
    assert re.match(f"a/1.jpg.*{detail}", picture.where)


def test_a_missing_file_is_left_out(tmp_path: Path) -> None:
    assert load_picture(Picture("1", tmp_path / "1.jpg", "1.jpg")) == Skip("no file", "1.jpg")
    assert load_picture(Picture("1", tmp_path, "1.jpg")) == Skip("file cannot be read", "1.jpg: Is a directory")


def test_a_damaged_tail_keeps_what_can_be_decoded() -> None:
    data = encoded(size=(400, 400))
    picture = stored(data[:-200], size=(400, 400))
    assert picture.conversions == ("damaged tail",)
    kept = (0, 0, 400, 368)
    difference = Image.blend(pixels(picture.data).crop(kept), ImageOps.invert(pixels(data).crop(kept)), 0.5)
    assert max(abs(value - 127) for extrema in difference.getextrema() for value in extrema) < 20


def test_only_the_bottom_is_cut_off() -> None:
    data = encoded(file_format="PNG")
    picture = stored(data, crop_bottom=20)
    assert picture.conversions == ("bottom cut off",)
    assert picture.placement == Placement((100, 30), SIZE)
    assert pixels(picture.data).tobytes() == pixels(data).crop((0, 0, 100, 30)).tobytes()
    refused = load(data, crop_bottom=50)
    assert isinstance(refused, Skip) and refused.rule == "nothing left above the bottom"


@pytest.mark.parametrize("orientation", range(2, 9))
def test_pictures_and_boxes_are_turned_upright_alike(orientation: int) -> None:
    """A black object on white, stored on its side: the turned box holds it and nothing else."""
    box = (10, 5, 40, 20)
    image = Image.new("RGB", SIZE, "white")
    image.paste("black", box)
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    sizes = {"before": SIZE, "upright": SIZE if orientation < 5 else SIZE[::-1]}
    picture = stored(buffer.getvalue(), sizes["before"])
    shown = pixels(picture.data)
    assert shown.size == picture.placement.size == sizes["upright"]
    drawn = ImageOps.invert(shown).getbbox()
    if orientation >= 5:
        assert picture.conversions == ("EXIF orientation",)
        assert picture.placement.box(box) == drawn
        upright = stored(buffer.getvalue(), sizes["upright"])
        assert upright.placement.box(drawn) == drawn
    else:  # the size does not tell what boxes were drawn on
        assert picture.conversions == ("EXIF orientation, boxes taken as upright",)
        assert picture.placement.box(drawn) == drawn
        placed = Placement(sizes["upright"], sizes["before"], orientation)
        assert placed.box(box) == drawn


@pytest.mark.parametrize(("data", "size"), [(turned(6), None), (turned(6, (50, 50)), (50, 50))])
def test_boxes_are_taken_as_upright_where_the_size_does_not_tell(data: bytes, size: tuple[int, int] | None) -> None:
    picture = stored(data, size)
    assert picture.conversions == ("EXIF orientation, boxes taken as upright",)
    assert picture.placement.box((1, 2, 3, 4)) == (1, 2, 3, 4)
    assert Image.open(io.BytesIO(picture.data)).getexif() == {}


@given(
    orientation=st.integers(1, 8),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    ends=st.tuples(*4 * [st.floats(0, 1)]),
)
def test_a_turned_box_keeps_its_sides_and_stays_inside(
    orientation: int, size: tuple[int, int], ends: tuple[float, float, float, float]
) -> None:
    upright = size if orientation < 5 else size[::-1]
    x1, x2 = sorted((ends[0] * size[0], ends[1] * size[0]))
    y1, y2 = sorted((ends[2] * size[1], ends[3] * size[1]))
    xa, ya, xb, yb = Placement(upright, size, orientation).box((x1, y1, x2, y2))
    assert 0 <= xa <= xb <= upright[0] and 0 <= ya <= yb <= upright[1]
    assert sorted((xb - xa, yb - ya)) == pytest.approx(sorted((x2 - x1, y2 - y1)))


def test_real_photographs_are_stored_as_they_are() -> None:
    photos = sorted(shared("data/visual_rft/images").glob("*.jpg"))
    assert photos
    for photo in photos:
        picture = load_picture(Picture(photo.stem, photo, photo.name))
        assert isinstance(picture, StoredPicture)
        assert (picture.data, picture.conversions) == (photo.read_bytes(), ())


def test_the_misnamed_pets_are_converted() -> None:
    images = shared("data/pets37/images")
    expected = {"Abyssinian_5.jpg": ("colour mode RGBA",), "Abyssinian_34.jpg": ("format GIF", "colour mode P")}
    for name, rules in expected.items():
        picture = load_picture(Picture(name, images / name, name))
        assert isinstance(picture, StoredPicture)
        assert picture.conversions == rules
