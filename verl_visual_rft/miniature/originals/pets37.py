# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature Oxford-IIIT Pets: ``images/``, ``annotations/`` and CoOp's split, with the original's misnamed pictures."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from verl_visual_rft.boxes import Box, around
from verl_visual_rft.miniature.originals.drawing import SIZE, Scene, draw_scene, write_jpeg, write_rotated_jpeg
from verl_visual_rft.miniature.originals.files import Item, write_coop_split, write_lines


@dataclass(frozen=True)
class Breed:
    """A class: its name in file names, 1 cat or 2 dog, and its number within the species."""

    name: str
    species: int
    number: int


# The first six of the 37, in the original's order: alphabetical, ignoring case.
BREEDS = (
    Breed("Abyssinian", 1, 1),
    Breed("american_bulldog", 2, 1),
    Breed("american_pit_bull_terrier", 2, 2),
    Breed("basset_hound", 2, 3),
    Breed("beagle", 2, 4),
    Breed("Bengal", 1, 2),
)
TRAINVAL, TEST = 6, 4

RGBA_PNG = "Abyssinian_5"  # in test.txt
UNLISTED_GIF = "Abyssinian_34"  # in no list
LISTED_GIF = "Bengal_2"
DAMAGED_TAIL = "beagle_3"
EXIF_ROTATED = "basset_hound_4"

_LIST_HEADER = """\
#Image CLASS-ID SPECIES BREED ID
#ID: 1:37 Class ids
#SPECIES: 1:Cat 2:Dog
#BREED ID: 1-25:Cat 1:12:Dog
#All images with 1st letter as captial are cat images
#images with small first letter are dog images
"""
_XML = (
    "<annotation><folder>OXIIIT</folder><filename>{name}.jpg</filename><source><database>OXFORD-IIIT Pet Dataset"
    "</database><annotation>OXIIIT</annotation><image>flickr</image></source><size><width>{width}</width><height>"
    "{height}</height><depth>3</depth></size><segmented>0</segmented><object><name>{species}</name><pose>Frontal</pose>"
    "<truncated>0</truncated><occluded>0</occluded><bndbox><xmin>{x1:.0f}</xmin><ymin>{y1:.0f}</ymin><xmax>{x2:.0f}"
    "</xmax><ymax>{y2:.0f}</ymax></bndbox><difficult>0</difficult></object></annotation>\n"
)


def write_pets37(root: Path, seed: int) -> None:
    """Write the data set. Lists are sorted as text ("_10" before "_2"), pictures are numbered from 1 in each class."""
    rng = random.Random(f"pets37-{seed}")
    lists: dict[str, list[str]] = {"trainval": [], "test": []}
    split: dict[str, list[Item]] = {"train": [], "val": [], "test": []}
    for label, breed in enumerate(BREEDS):
        numbers = sorted(range(1, TRAINVAL + TEST + 1), key=lambda number: (number == 5, number))  # 5 is for test
        parts = {"trainval": numbers[:TRAINVAL], "test": numbers[TRAINVAL:]}
        for part, chosen in parts.items():
            names = sorted(f"{breed.name}_{number}" for number in chosen)
            for name in names:
                _write_picture(root, rng, name, breed, label, with_head_box=part == "trainval")
            lists[part] += [f"{name} {label + 1} {breed.species} {breed.number}" for name in names]
            items = [(f"{name}.jpg", label, breed.name.lower()) for name in names]
            if part == "test":
                split["test"] += items
            else:
                rng.shuffle(items)
                split["val"] += items[: len(items) // 5]
                split["train"] += items[len(items) // 5 :]
    _save_as(root, UNLISTED_GIF, draw_scene(rng, [0]).image.convert("P"), "GIF")
    for number in (100, 101, 102):
        (root / "images" / f"Abyssinian_{number}.mat").write_bytes(b"")  # strays of the original archive
    annotations = root / "annotations"
    every = sorted(lists["trainval"] + lists["test"], key=str.casefold)
    write_lines(annotations / "list.txt", [*_LIST_HEADER.splitlines(), *every])
    for part, lines in lists.items():
        write_lines(annotations / f"{part}.txt", lines)
    write_coop_split(root / "split_zhou_OxfordPets.json", split["train"], split["val"], split["test"])


def _write_picture(root: Path, rng: random.Random, name: str, breed: Breed, label: int, *, with_head_box: bool) -> None:
    scene = draw_scene(rng, [label])
    path = root / "images" / f"{name}.jpg"
    if name == RGBA_PNG:
        _save_as(root, name, scene.image.convert("RGBA"), "PNG")
    elif name == LISTED_GIF:
        _save_as(root, name, scene.image.convert("P"), "GIF")
    elif name == EXIF_ROTATED:
        write_rotated_jpeg(path, scene.image)
    else:
        write_jpeg(path, scene.image)
    if name == DAMAGED_TAIL:
        path.write_bytes(path.read_bytes()[:-40])
    _write_trimap(root, name, scene)
    if with_head_box:
        _write_xml(root, name, breed, around(scene.polygons[0]))


def _save_as(root: Path, name: str, image: Image.Image, kind: str) -> None:
    (root / "images").mkdir(parents=True, exist_ok=True)
    image.save(root / "images" / f"{name}.jpg", kind)


def _write_trimap(root: Path, name: str, scene: Scene) -> None:
    trimap = Image.new("L", SIZE, 2)  # background
    ImageDraw.Draw(trimap).polygon(scene.polygons[0], fill=1, outline=3, width=3)  # foreground, border
    path = root / "annotations" / "trimaps" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    trimap.save(path)


def _write_xml(root: Path, name: str, breed: Breed, box: Box) -> None:
    x1, y1, x2, y2 = box
    species = {1: "cat", 2: "dog"}[breed.species]
    path = root / "annotations" / "xmls" / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_XML.format(name=name, species=species, width=SIZE[0], height=SIZE[1], x1=x1, y1=y1, x2=x2, y2=y2))
