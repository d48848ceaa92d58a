# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Reading a COCO file of anybody's: what leaves no doubt is mended, and what does is refused or said by an option.

Slips of single entries are `coco_mends`; here is what all entries of a file say together.
"""

from __future__ import annotations

import argparse
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import chain
from pathlib import Path
from typing import Any

from verl_visual_rft.boxes import Box
from verl_visual_rft.coordinates import Size
from verl_visual_rft.datasets.box_forms import (
    COCO_FORM,
    CUT,
    FORMS,
    Entry,
    corners_of,
    reaches_out,
    require_form,
    spread,
)
from verl_visual_rft.datasets.coco_layout import Annotation, CocoDataset, by_pair, parse_coco, read_annotations
from verl_visual_rft.datasets.coco_mends import mend_entries
from verl_visual_rft.datasets.doubled_boxes import DOUBLED, doubled_boxes
from verl_visual_rft.datasets.segmentation import DRAWN
from verl_visual_rft.datasets.skips import Mend
from verl_visual_rft.datasets.upright import Corners, as_given, sizes_as_drawn
from verl_visual_rft.errors import UserError


@dataclass(frozen=True)
class CocoReading:
    """What the user says about a file; None: the file tells, or is refused."""

    bbox: str | None = None  #: What four numbers are, one of `box_forms.FORMS`.
    exif: str | None = None  #: "upright" or "raw": how boxes were drawn on pictures that an EXIF tag turns.
    repeated_images: str | None = None  #: "merge" or "first": what several image ids of one file are.
    crowds: str | None = None  #: "objects" or "ignore": what a file of crowds alone holds.


#: The names of these options.
READING = tuple(field.name for field in fields(CocoReading))


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `CocoReading`."""
    group = parser.add_argument_group("annotations that could mean two things (default: the file tells, or is refused)")
    group.add_argument("--bbox", choices=FORMS, help="what the four numbers of a box are")
    group.add_argument(
        "--exif", choices=("upright", "raw"), help="how boxes were drawn on pictures that an EXIF tag turns"
    )
    group.add_argument(
        "--repeated-images",
        choices=("merge", "first"),
        help="a file under several image ids: merge their annotations, or take those of the first",
    )
    group.add_argument("--crowds", choices=("objects", "ignore"), help="objects: take each crowd as one object")


def reading_of(args: argparse.Namespace) -> CocoReading:
    """Return the options that `add_reading_arguments` read."""
    return CocoReading(**{name: getattr(args, name) for name in READING})


def read_coco(path: Path, images: Path, reading: CocoReading | None = None) -> CocoDataset:
    """Read, mend and check a COCO annotation file, whose file names are relative to the folder ``images``.

    Raises:
        UserError: The file is missing, not COCO, or leaves open what it means; the message names the option.
    """
    if not images.is_dir():
        raise UserError(f"the image folder {images} does not exist")
    return mended_coco(path, read_annotations(path), images, reading or CocoReading())


def mended_coco(path: Path, content: dict[str, Any], images: Path, reading: CocoReading) -> CocoDataset:
    """Mend and check the content of `coco_layout.read_annotations`; see `read_coco`."""
    slips = [*mend_entries(content, images)]
    dataset = parse_coco(path, content)
    drawn = frozenset(entry["id"] for entry in content["annotations"] if DRAWN in entry)
    dataset = _mended(dataset, slips)
    dataset = _one_image_a_file(dataset, reading.repeated_images)
    dataset = _in_pixels(dataset, images, reading, drawn)
    dataset = _crowds(dataset, reading.crowds)
    dataset = _without_doubled_boxes(dataset)
    return replace(dataset, mends=tuple(Mend(mend.rule, f"{path.name}: {mend.where}") for mend in dataset.mends))


def _one_image_a_file(dataset: CocoDataset, told: str | None) -> CocoDataset:
    """Make one image of several entries with the same file: the first.

    Raises:
        UserError: Their annotations differ and nobody says what is meant.
    """
    alike: dict[str, list[int]] = defaultdict(list)
    for image in dataset.images.values():
        alike[posixpath.normpath(image.file_name)].append(image.id)
    repeated = {name: ids for name, ids in alike.items() if len(ids) > 1}
    if not repeated:
        return dataset
    of_image: dict[int, list[Annotation]] = defaultdict(list)
    for entry in _annotations(dataset):
        of_image[entry.image_id].append(entry)
    mends: list[Mend] = []
    moved: dict[int, int] = {}
    dropped: set[int] = set()
    for name, ids in repeated.items():
        says = [sorted((entry.category_id, entry.bbox, entry.iscrowd) for entry in of_image[number]) for number in ids]
        agree = all(said == says[0] for said in says)
        if not agree and told is None:
            raise UserError(
                f"{dataset.path}: {name!r} stands under {len(ids)} image ids ({', '.join(map(str, ids[:5]))}) whose "
                f"annotations differ, one of {len(repeated)} files under several ids; give --repeated-images merge "
                "(all annotations are of one picture) or --repeated-images first (those of the first id alone)"
            )
        if told == "merge" and not agree:
            moved |= dict.fromkeys(ids[1:], ids[0])
        dropped.update(ids[1:])
        mends.append(Mend(f"file under several image ids, {'alike' if agree else told}", f"{name}: {ids}"))
    kept = [entry for entry in _annotations(dataset) if entry.image_id not in dropped or entry.image_id in moved]
    images = {number: image for number, image in dataset.images.items() if number not in dropped}
    moved_to = [replace(entry, image_id=moved.get(entry.image_id, entry.image_id)) for entry in kept]
    return _mended(dataset, mends, images=images, annotations=by_pair(moved_to))


def _in_pixels(dataset: CocoDataset, folder: Path, reading: CocoReading, drawn: frozenset[int]) -> CocoDataset:
    """Make the boxes COCO's, ``[x, y, width, height]`` in pixels of the picture that they were drawn on.

    Args:
        dataset: The annotations.
        folder: Where the pictures lie.
        reading: What the user says about them.
        drawn: Ids of the annotations whose box is that of a segmentation, which is in pixels in any case.
    """
    form = reading.bbox or COCO_FORM

    def corners(entry: Annotation, size: Size) -> Box:
        return as_given(entry, size) if entry.id in drawn else corners_of(form, entry.bbox, size)

    turned = sizes_as_drawn(dataset, folder, reading.exif, as_given if form == COCO_FORM else corners)
    images = dict(dataset.images)
    for number, (width, height) in turned.items():
        images[number] = replace(images[number], width=width, height=height)
    rule = "size of the picture turned as its boxes were drawn"
    dataset = _mended(dataset, [Mend(rule, images[number].file_name) for number in turned], images=images)
    if reading.bbox != COCO_FORM:
        # A box without size is a slip that says nothing.
        written = [entry for entry in _annotations(dataset) if entry.id not in drawn and min(entry.bbox[2:]) > 0]
        boxes = [Entry(entry.bbox, images[entry.image_id].size, entry.area) for entry in spread(written)]
        require_form(form, boxes, str(dataset.path), told=reading.bbox is not None)
    if form != COCO_FORM:
        dataset = _rewritten(dataset, corners, f"box given as {form}", drawn)
    return _mended(dataset, _cut(dataset))


def _rewritten(dataset: CocoDataset, corners: Corners, rule: str, drawn: frozenset[int]) -> CocoDataset:
    entries, mends = [], []
    for entry in _annotations(dataset):
        if entry.id not in drawn:
            x1, y1, x2, y2 = corners(entry, dataset.images[entry.image_id].size)
            entry = replace(entry, bbox=(x1, y1, x2 - x1, y2 - y1))
            mends.append(Mend(rule, f"annotation {entry.id}"))
        entries.append(entry)
    return _mended(dataset, mends, annotations=by_pair(entries))


def _cut(dataset: CocoDataset) -> Iterator[Mend]:
    """Count the boxes that reach out of their pictures; `Annotation.corners_within` cuts them."""
    for entry in _annotations(dataset):
        image = dataset.images[entry.image_id]
        if reaches_out(as_given(entry, image.size), image.size):
            numbers = ", ".join(f"{value:g}" for value in entry.bbox)
            where = f"annotation {entry.id}: [{numbers}] in {image.width}x{image.height}"
            yield Mend(CUT, where)


def _crowds(dataset: CocoDataset, told: str | None) -> CocoDataset:
    """Take crowds as objects where the user says so.

    Raises:
        UserError: All annotations are crowds and nobody says what that means.
    """
    crowds = [entry.id for entry in _annotations(dataset) if entry.iscrowd]
    if told is None and crowds and all(entry.iscrowd for entry in _annotations(dataset)):
        raise UserError(
            f"{dataset.path}: all {len(crowds)} annotations are crowds ('iscrowd': 1), as CVAT writes masks; give "
            "--crowds objects to take each as one object, or --crowds ignore to leave them out"
        )
    if told != "objects":
        return dataset
    mends = [Mend("crowd taken as one object", f"annotation {number}") for number in crowds]
    return _mended(
        dataset, mends, annotations=by_pair(replace(entry, iscrowd=False) for entry in _annotations(dataset))
    )


def _without_doubled_boxes(dataset: CocoDataset) -> CocoDataset:
    """Drop annotations that box an object again; crowds stand for many objects and are left alone."""
    doubled: set[int] = set()
    for entries in dataset.annotations.values():
        if len(entries) > 1:
            single = {entry.id: as_given(entry, (0, 0)) for entry in entries if not entry.iscrowd}
            doubled |= doubled_boxes(single)
    if not doubled:
        return dataset
    kept = by_pair(entry for entry in _annotations(dataset) if entry.id not in doubled)
    return _mended(dataset, [Mend(DOUBLED, f"annotation {number}") for number in sorted(doubled)], annotations=kept)


def _annotations(dataset: CocoDataset) -> Iterator[Annotation]:
    return chain.from_iterable(dataset.annotations.values())


def _mended(dataset: CocoDataset, mends: Iterable[Mend], **changes: Any) -> CocoDataset:
    return replace(dataset, mends=(*dataset.mends, *mends), **changes)
