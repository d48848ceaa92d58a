# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which way up were boxes drawn? Of pictures with an EXIF tag that turns them, the size in the file does not prove it.

Tools that write the size of the raw picture and let people draw on the upright one are as common as others. Boxes that
fit into the picture only one way up tell, for all pictures of the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from verl_visual_rft.boxes import Box
from verl_visual_rft.coordinates import Size
from verl_visual_rft.datasets.box_forms import reaches_out
from verl_visual_rft.datasets.coco_layout import Annotation, CocoDataset, CocoImage
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import raw_and_upright_size

Corners = Callable[[Annotation, Size], Box]

_FEW = 0.1  # as many as these may be mistakes of a hand
_OPTIONS = (
    "give --exif upright (boxes were drawn on the picture as a viewer shows it) or --exif raw (on the pixels as they "
    "are stored)"
)


def sizes_as_drawn(dataset: CocoDataset, folder: Path, told: str | None, corners: Corners) -> dict[int, Size]:
    """Return, by image id, the size of the picture as its boxes were drawn, where that is not the file's.

    Pictures are opened for it only when a box fits no other way: a file without such a box costs nothing.

    Args:
        dataset: The annotations.
        folder: Where the pictures lie.
        told: "upright" or "raw" where the user says how boxes were drawn; None: they tell.
        corners: Gives the corners of an annotation in pixels, for a size of its picture.

    Raises:
        UserError: Some boxes fit only upright and others only raw.
    """
    images = dataset.images
    swapped = (images[number] for number in sorted(set(_fitting_only(dataset, corners, swapped=True))))
    if told is None and not any(_turned_by_exif(folder, image) for image in swapped):
        return {}
    turned = {number: sizes for number, image in images.items() if (sizes := _turned_by_exif(folder, image))}
    way = told or _drawn(dataset, turned, corners)
    drawn = {number: upright if way == "upright" else raw for number, (raw, upright) in turned.items()}
    return {number: size for number, size in drawn.items() if size != images[number].size}


def _drawn(dataset: CocoDataset, turned: Mapping[int, tuple[Size, Size]], corners: Corners) -> str:
    """Return which way up, "upright" or "raw", the boxes fit: for files may list some pictures so and others so.

    Raises:
        UserError: Some fit only upright and others only raw.
    """
    votes: Counter[str] = Counter()
    for swapped in (False, True):
        for number in _fitting_only(dataset, corners, swapped):
            if number in turned:
                given_upright = dataset.images[number].size == turned[number][1]
                votes["upright" if given_upright != swapped else "raw"] += 1
    way, other = ("upright", "raw") if votes["upright"] > votes["raw"] else ("raw", "upright")
    if votes[other] > _FEW * votes[way]:
        raise UserError(
            f"{dataset.path}: pictures with an EXIF orientation: {votes['upright']} boxes fit only upright, "
            f"{votes['raw']} only as the pictures are stored; {_OPTIONS}"
        )
    return way


def require_way_up(dataset: CocoDataset, folder: Path, asked: Iterable[int], told: str | None) -> None:
    """Refuse a file that does not tell which way up the boxes of its pictures were drawn.

    In doubt are pictures that EXIF turns by a quarter and whose given size is that of the raw picture. A box in any of
    them that fits no other way settles it for all.

    Args:
        dataset: The annotations, with the sizes of `sizes_as_drawn`.
        folder: Where the pictures lie.
        asked: Ids of the images that are asked about; of others it does not matter.
        told: See `sizes_as_drawn`.

    Raises:
        UserError: There are such pictures and nobody says how they were annotated.
    """
    if told is not None:
        return
    annotated = {image_id for image_id, _ in dataset.annotations}
    doubtful = [number for number in asked if number in annotated and _is_raw(folder, dataset.images[number])]
    if doubtful and not any(
        _is_raw(folder, dataset.images[number]) for number in _fitting_only(dataset, as_given, swapped=False)
    ):
        raise UserError(
            f"{dataset.path}: {len(doubtful)} pictures have an EXIF orientation, "
            f"{dataset.images[doubtful[0]].file_name} for one, and the annotations give their raw size, but all boxes "
            f"fit either way, so they do not tell how they were drawn; {_OPTIONS}"
        )


def as_given(annotation: Annotation, size: Size) -> Box:
    """Return the corners of a box that is written as COCO's are."""
    x, y, width, height = annotation.bbox
    return x, y, x + width, y + height


def _fitting_only(dataset: CocoDataset, corners: Corners, swapped: bool) -> Iterator[int]:
    """Yield the image of each box that fits only with its image's sides swapped, or only with them as they are."""
    for (image_id, _), entries in dataset.annotations.items():
        given = dataset.images[image_id].size
        fits, other = (_swapped(given), given) if swapped else (given, _swapped(given))
        for entry in entries:
            if reaches_out(corners(entry, other), other) and not reaches_out(corners(entry, fits), fits):
                yield image_id


def _swapped(size: Size) -> Size:
    return size[1], size[0]


def _is_raw(folder: Path, image: CocoImage) -> bool:
    return image.width != image.height and (_turned_by_exif(folder, image) or ((0, 0),))[0] == image.size


def _turned_by_exif(folder: Path, image: CocoImage) -> tuple[Size, Size] | None:
    """Return the raw and the upright size of a picture that EXIF turns by a quarter; None for any other."""
    sizes = raw_and_upright_size(folder / image.file_name)
    return sizes if sizes is not None and sizes[0] != sizes[1] and image.size in sizes else None
