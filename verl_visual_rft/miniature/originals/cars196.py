# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature Stanford Cars: ``cars_train/``, ``cars_test/``, ``devkit/`` and CoOp's split."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.boxes import Box, around
from verl_visual_rft.miniature.originals.drawing import draw_scene, write_jpeg
from verl_visual_rft.miniature.originals.files import Item, write_coop_split, write_mat

CLASSES = (
    "AM General Hummer SUV 2000",
    "Acura RL Sedan 2012",
    "Citroën C4 Hatchback 2012",
    "Ram C/V Cargo Van Minivan 2012",
)
TRAIN, TEST = 6, 4  # pictures of a class


@dataclass(frozen=True)
class Car:
    """One annotated picture; the name of its file occurs in both folders."""

    file_name: str
    label: int
    box: Box


def write_cars196(root: Path, seed: int) -> None:
    """Write the data set; test labels stand in a file beside ``devkit/``, as they were published later."""
    import numpy as np

    rng = random.Random(f"cars196-{seed}")
    train = _draw_folder(root / "cars_train", rng, TRAIN)
    test = _draw_folder(root / "cars_test", rng, TEST)
    class_names: Any = np.empty((1, len(CLASSES)), object)
    class_names[0, :] = CLASSES
    write_mat(root / "devkit" / "cars_meta.mat", {"class_names": class_names})
    write_mat(root / "devkit" / "cars_train_annos.mat", {"annotations": _struct(train, with_class=True)})
    write_mat(root / "devkit" / "cars_test_annos.mat", {"annotations": _struct(test, with_class=False)})
    write_mat(root / "cars_test_annos_withlabels.mat", {"annotations": _struct(test, with_class=True)})
    drawn = rng.sample(train, len(train))
    val = len(train) // 5
    write_coop_split(
        root / "split_zhou_StanfordCars.json",
        train=[_item("cars_train", car) for car in drawn[val:]],
        val=[_item("cars_train", car) for car in drawn[:val]],
        test=[_item("cars_test", car) for car in test],
    )


def _draw_folder(folder: Path, rng: random.Random, count: int) -> list[Car]:
    labels = [label for label in range(len(CLASSES)) for _ in range(count)]
    rng.shuffle(labels)
    cars = []
    for number, label in enumerate(labels, start=1):
        scene = draw_scene(rng, [label])
        write_jpeg(folder / f"{number:05d}.jpg", scene.image)
        cars.append(Car(f"{number:05d}.jpg", label, around(scene.polygons[0])))
    return cars


def _struct(cars: Sequence[Car], *, with_class: bool) -> Any:
    """Return a 1xN struct array as MATLAB saves it: integers as 1x1 arrays of one byte, boxes counted from 1."""
    import numpy as np

    corners = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")
    fields = (*corners, "class", "fname") if with_class else (*corners, "fname")
    struct: Any = np.empty((1, len(cars)), [(field, object) for field in fields])
    for column, car in enumerate(cars):
        entry = struct[0, column]
        for field, value in zip(corners, car.box, strict=True):
            entry[field] = np.array([[round(value) + 1]], np.uint8)
        if with_class:
            entry["class"] = np.array([[car.label + 1]], np.uint8)
        entry["fname"] = car.file_name
    return struct


def _item(folder: str, car: Car) -> Item:
    *model, year = CLASSES[car.label].split(" ")
    return f"{folder}/{car.file_name}", car.label, " ".join([year, *model])
