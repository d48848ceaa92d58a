# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The four classification sets, held against the original annotation files where they are at hand."""

import json
import re

import pytest
from PIL import ExifTags, Image

from verl_visual_rft.miniature.originals import pets37
from verl_visual_rft.miniature.originals.fgvc_aircraft import BANNER

scipy_io = pytest.importorskip("scipy.io")

MAT_FILES = {
    "flowers102/imagelabels.mat": "flowers102/imagelabels.mat",
    "flowers102/setid.mat": "flowers102/setid.mat",
    "cars196/devkit/cars_meta.mat": "cars196/cars_meta.mat",
    "cars196/devkit/cars_train_annos.mat": "cars196/cars_train_annos.mat",
    "cars196/devkit/cars_test_annos.mat": "cars196/cars_test_annos.mat",
}
# Both the originals and the miniatures must match.
LINES = {
    "pets37/annotations/list.txt": r"[A-Za-z_]+_\d+ [1-9]\d? [12] [1-9]\d?",
    "pets37/annotations/trainval.txt": r"[A-Za-z_]+_\d+ [1-9]\d? [12] [1-9]\d?",
    "pets37/annotations/test.txt": r"[A-Za-z_]+_\d+ [1-9]\d? [12] [1-9]\d?",
    "fgvc_aircraft/images_variant_test.txt": r"\d{7} \S.*\S",
    "fgvc_aircraft/variants.txt": r"\S.*\S",
}
COOP = {"flowers102": "OxfordFlowers", "pets37": "OxfordPets", "cars196": "StanfordCars"}


def read_mat(path):
    return {key: value for key, value in scipy_io.loadmat(path).items() if not key.startswith("__")}


def shape_of(value, top=True):
    """Describe an array of a .mat file: nesting, types and fields, but not how many elements or bytes it has."""
    rows = value.shape[:-1] if top else value.shape
    if value.dtype.names:
        return rows, {name: shape_of(value[0, 0][name], top=False) for name in value.dtype.names}
    if value.dtype == object:
        return rows, shape_of(value[0, 0], top=False)
    return rows, value.dtype.kind


@pytest.mark.parametrize(("made", "real"), MAT_FILES.items())
def test_mat_files_are_nested_as_the_originals(made, real, fake, original):
    name, _, inner = made.partition("/")
    ours, theirs = read_mat(fake(name) / inner), read_mat(original(real))
    assert {key: shape_of(value) for key, value in ours.items()} == {
        key: shape_of(value) for key, value in theirs.items()
    }


def test_flowers_have_the_types_of_the_originals(fake, original):
    for file in ("imagelabels.mat", "setid.mat"):
        ours, theirs = read_mat(fake("flowers102") / file), read_mat(original(f"flowers102/{file}"))
        assert {key: value.dtype for key, value in ours.items()} == {key: value.dtype for key, value in theirs.items()}


def test_mat_files_are_compressed_and_say_matlab_as_the_originals(fake, original):
    for path in (fake("flowers102") / "setid.mat", original("flowers102/setid.mat")):
        head = path.read_bytes()[:129]
        assert head.startswith(b"MATLAB 5.0 MAT-file, Platform: GLNX")
        assert head[128] == 15  # miCOMPRESSED


@pytest.mark.parametrize(("file", "pattern"), LINES.items())
def test_lists_have_the_line_format_of_the_originals(file, pattern, fake, original):
    name, _, inner = file.partition("/")
    made = fake(name) / ("fgvc-aircraft-2013b/data" if name == "fgvc_aircraft" else "") / inner
    for path in (made, original(file)):
        text = path.read_bytes().decode()
        assert text.endswith("\n") and "\r" not in text
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        assert lines and all(re.fullmatch(pattern, line) for line in lines)


def test_flower_parts_are_all_pictures_once_and_the_test_part_is_the_largest(fake):
    root = fake("flowers102")
    labels, parts = read_mat(root / "imagelabels.mat")["labels"][0], read_mat(root / "setid.mat")
    numbers = [int(number) for part in parts.values() for number in part[0]]
    assert sorted(numbers) == list(range(1, len(labels) + 1))
    assert parts["tstid"].size > parts["trnid"].size == parts["valid"].size
    assert {path.name for path in (root / "jpg").iterdir()} == {f"image_{number:05d}.jpg" for number in numbers}
    names = json.loads((root / "cat_to_name.json").read_text(encoding="utf-8"))
    assert sorted(names) == [str(label) for label in sorted(set(labels.tolist()))]
    assert not all(name.isascii() for name in names.values())


@pytest.mark.parametrize(("name", "dataset"), COOP.items())
def test_coop_splits_have_the_form_of_the_published_ones(name, dataset, fake, original):
    for path in (fake(name) / f"split_zhou_{dataset}.json", original(f"coop/split_zhou_{dataset}.json")):
        split = json.loads(path.read_text(encoding="utf-8"))
        assert list(split) == ["train", "val", "test"]
        for items in split.values():
            assert [[type(value) for value in item] for item in items] == [[str, int, str]] * len(items)
        names = {label: {item[2] for items in split.values() for item in items if item[1] == label} for label in (0, 1)}
        assert all(len(of_label) == 1 for of_label in names.values())
        listed = [item[0] for items in split.values() for item in items]
        assert len(set(listed)) == len(listed)


def test_coop_labels_are_those_of_the_official_files(fake):
    labels = read_mat(fake("flowers102") / "imagelabels.mat")["labels"][0]
    flowers = json.loads((fake("flowers102") / "split_zhou_OxfordFlowers.json").read_text(encoding="utf-8"))
    assert all(labels[int(file[6:11]) - 1] - 1 == label for items in flowers.values() for file, label, _ in items)

    train = read_mat(fake("cars196") / "devkit" / "cars_train_annos.mat")["annotations"][0]
    test = read_mat(fake("cars196") / "cars_test_annos_withlabels.mat")["annotations"][0]
    classes = {
        f"{folder}/{car['fname'][0]}": int(car["class"][0, 0]) - 1
        for folder, cars in (("cars_train", train), ("cars_test", test))
        for car in cars
    }
    cars = json.loads((fake("cars196") / "split_zhou_StanfordCars.json").read_text(encoding="utf-8"))
    assert {file: label for items in cars.values() for file, label, _ in items} == classes


def test_car_names_have_a_slash_and_a_letter_outside_ascii_and_files_share_names(fake):
    names = [str(name[0]) for name in read_mat(fake("cars196") / "devkit" / "cars_meta.mat")["class_names"][0]]
    assert any("/" in name for name in names) and not all(name.isascii() for name in names)
    train, test = ({path.name for path in (fake("cars196") / f"cars_{part}").iterdir()} for part in ("train", "test"))
    assert test < train
    assert "class" not in read_mat(fake("cars196") / "devkit" / "cars_test_annos.mat")["annotations"].dtype.names


def test_some_pets_are_not_what_their_name_says(fake):
    images = fake("pets37") / "images"
    listed = (fake("pets37") / "annotations" / "list.txt").read_text()
    kinds = {}
    for path in sorted(images.glob("*.jpg")):
        with Image.open(path) as image:
            if (image.format, image.mode) != ("JPEG", "RGB"):
                kinds[path.stem] = image.format, image.mode
    assert kinds == {
        pets37.RGBA_PNG: ("PNG", "RGBA"),
        pets37.UNLISTED_GIF: ("GIF", "P"),
        pets37.LISTED_GIF: ("GIF", "P"),
    }
    assert pets37.RGBA_PNG in (fake("pets37") / "annotations" / "test.txt").read_text()
    assert f"{pets37.UNLISTED_GIF} " not in listed and f"{pets37.LISTED_GIF} " in listed
    with Image.open(images / f"{pets37.EXIF_ROTATED}.jpg") as image:
        assert image.getexif()[ExifTags.Base.Orientation] == 6
    with Image.open(images / f"{pets37.DAMAGED_TAIL}.jpg") as image, pytest.raises(OSError, match="truncated"):
        image.load()


def test_aircraft_end_in_a_white_banner_and_every_level_lists_the_same_pictures(fake):
    data = fake("fgvc_aircraft") / "fgvc-aircraft-2013b" / "data"
    on_disk = {path.stem for path in (data / "images").iterdir()}
    for level in ("variant", "family", "manufacturer"):
        lists = {}
        for part in ("train", "val", "test", "trainval"):
            lines = (data / f"images_{level}_{part}.txt").read_text().splitlines()
            lists[part] = [line.split(" ", 1)[0] for line in lines]
            assert lists[part] == (data / f"images_{part}.txt").read_text().splitlines()
        assert sorted(lists["trainval"]) == sorted(lists["train"] + lists["val"])
        assert set(lists["trainval"] + lists["test"]) == on_disk
    assert any(image_id.startswith("0") for image_id in on_disk)
    for path in (data / "images").iterdir():
        with Image.open(path) as image:
            banner = image.convert("L").crop((0, image.height - BANNER, image.width, image.height))
            above = image.convert("L").crop((0, 0, image.width, image.height - BANNER))
        assert sum(value > 200 for value in banner.tobytes()) > 0.7 * banner.width * banner.height
        assert sum(value > 200 for value in above.tobytes()) < 0.7 * above.width * above.height
