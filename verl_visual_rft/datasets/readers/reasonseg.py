# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""ReasonSeg (LISA, https://github.com/dvlab-research/LISA): pictures, instructions, and polygons of what they mean.

``train/``, ``val/`` and ``test/`` hold a ``NAME.json`` beside each ``NAME.jpg``: 239, 200 and 779.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.boxes import Box, around, part_within
from verl_visual_rft.coordinates import Size, in_one_pixel
from verl_visual_rft.datasets.box_forms import Entry, require_spread
from verl_visual_rft.datasets.readers.masks import Polygon
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import upright_size
from verl_visual_rft.input_files import decode_text, is_point, parse_json, read_bytes
from verl_visual_rft.tasks.grounding.question import GroundingQuestion
from verl_visual_rft.tasks.question import Picture

SPLITS = ("train", "val", "test")
_MOST_POINTS = 100_000  # of a polygon; the largest published one has a few thousand


@dataclass(frozen=True, slots=True)
class ReasonSegItem:
    """A picture with its annotation."""

    picture: Picture  #: The picture; its size is that of the upright picture, in which LISA reads the polygons.
    annotation: Path  #: The annotation file.
    instructions: tuple[str, ...]  #: One to six wordings of what to find.
    polygons: tuple[Polygon, ...]  #: Targets, regions to ignore and flags, in the order of the file.


@dataclass(frozen=True)
class ReasonSeg:
    """The data set."""

    items: Mapping[str, tuple[ReasonSegItem, ...]]  #: By split, in the order of their names.
    skips: tuple[Skip, ...]  #: Pictures without annotation and annotations without picture.

    @property
    def sources(self) -> tuple[Path, ...]:
        """The annotation files."""
        return tuple(item.annotation for items in self.items.values() for item in items)


def read_reasonseg(root: Path) -> ReasonSeg:
    """Read the three splits.

    Raises:
        UserError: A folder is missing or empty, or an annotation file is not ReasonSeg's; the message names the file
            and the key.
    """
    skips: list[Skip] = []
    items = {split: tuple(_read_split(root, split, skips)) for split in SPLITS}
    for split, listed in items.items():
        _require_spread(root / split, listed)
    return ReasonSeg(items, tuple(skips))


def first_polygon_box(polygons: Sequence[Polygon]) -> Box | None:
    """Return the box around the first polygon, whatever its label, as the paper's code builds its rows."""
    return _box_around(polygons[:1])


def target_union_box(polygons: Sequence[Polygon]) -> Box | None:
    """Return the box around all target polygons, or None when there is none.

    Example:
        >>> parts = [Polygon("target", ((1, 1), (3, 2))), Polygon("ignore", ((0, 0), (9, 9)))]
        >>> target_union_box([*parts, Polygon("target", ((5, 0), (6, 4)))])
        (1, 0, 6, 4)
    """
    return _box_around([polygon for polygon in polygons if polygon.is_target])


def first_polygon_as_target(polygons: Sequence[Polygon]) -> Sequence[Polygon]:
    """Return the first polygon as the one target, whatever its label, as the paper's code draws its masks."""
    return [Polygon("target", polygon.points) for polygon in polygons[:1]]


#: The ways to make one box of a picture's polygons.
BOX_RULES: dict[str, Callable[[Sequence[Polygon]], Box | None]] = {
    "first": first_polygon_box,
    "union": target_union_box,
}

#: The polygons that a mask is drawn of, where boxes are made by the same rule; all of them as LISA draws them.
MASK_RULES: dict[str, Callable[[Sequence[Polygon]], Sequence[Polygon]]] = {
    "first": first_polygon_as_target,
    "union": lambda polygons: polygons,
}


def questions_about(
    items: Iterable[ReasonSegItem], boxes: str, every_wording: bool = False
) -> tuple[list[GroundingQuestion], list[Skip]]:
    """Ask for the first wording of every picture, as LISA and the paper evaluate, or for all, as the paper trains.

    Args:
        items: The pictures.
        boxes: "first" or "union", a key of `BOX_RULES`.
        every_wording: 1326 questions about 239 pictures.
    """
    questions: list[GroundingQuestion] = []
    skips: list[Skip] = []
    for item in items:
        box = BOX_RULES[boxes](item.polygons)
        width, height = item.picture.size or (math.inf, math.inf)
        if box is None:
            skips.append(Skip("no target polygon", item.picture.name))
        elif (inside := part_within(box, (float(width), float(height)))) is None:
            skips.append(Skip("box without area in the picture", f"{item.picture.name}: {box}"))
        else:
            asked = item.instructions if every_wording else item.instructions[:1]
            questions += [GroundingQuestion(item.picture, instruction, (inside,)) for instruction in asked]
    return questions, skips


def _read_split(root: Path, split: str, skips: list[Skip]) -> Iterable[ReasonSegItem]:
    folder = root / split
    pictures = {path.stem: path for path in folder.glob("*.jpg")}
    annotations = {path.stem: path for path in folder.glob("*.json")}
    both = sorted(pictures.keys() & annotations.keys())
    if not both:
        problem = "holds no NAME.json beside its NAME.jpg" if folder.is_dir() else "does not exist"
        raise UserError(
            f"{folder} {problem}. Expected the folders train, val and test of ReasonSeg "
            "(https://github.com/dvlab-research/LISA#dataset), each with a NAME.json beside every NAME.jpg."
        )
    for name in sorted(pictures.keys() - annotations.keys()):
        skips.append(Skip("picture without annotation", f"{split}/{name}.jpg"))
    for name in sorted(annotations.keys() - pictures.keys()):
        skips.append(Skip("annotation without picture", f"{split}/{name}.json"))
    return (_read_item(pictures[name], annotations[name], split) for name in both)


def _require_spread(folder: Path, items: Iterable[ReasonSegItem]) -> None:
    """Refuse polygons that were drawn on smaller pictures: all of them lie in the same corner."""
    drawn = ((target_union_box(item.polygons), item.picture.size) for item in items)
    boxes = [Entry(box, size) for box, size in drawn if box is not None and size is not None]
    require_spread(boxes, f"{folder}: all targets")


def _read_item(path: Path, annotation: Path, split: str) -> ReasonSegItem:
    content = _read_json(annotation)
    texts, shapes = content.get("text"), content.get("shapes") or []  # nothing drawn: no truth, counted as such
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise UserError(f"{annotation}: 'text' is {texts!r}, not a list of instructions")
    if not isinstance(shapes, list):
        raise UserError(f"{annotation}: 'shapes' is not a list of polygons")
    size = upright_size(path)
    picture = Picture(path.stem, path, f"{split}/{path.name}", size, folder=path.parent)
    polygons = (_polygon(f"{annotation}: shapes[{position}]", shape, size) for position, shape in enumerate(shapes))
    return ReasonSegItem(picture, annotation, tuple(texts), tuple(polygons))


def _polygon(where: str, shape: Any, size: Size | None) -> Polygon:
    label, points = (shape.get("label"), shape.get("points")) if isinstance(shape, dict) else (None, None)
    if not isinstance(label, str):
        raise UserError(f"{where}: 'label' is {label!r}, not a text")
    if not isinstance(points, list) or not points or not all(is_point(point) for point in points):
        raise UserError(f"{where}: 'points' is not a list of [x, y] pairs of finite numbers")
    if len(points) > _MOST_POINTS:
        raise UserError(f"{where}: {len(points):,} points, more than the {_MOST_POINTS:,} that are drawn")
    if size is not None and (far := [point for point in points if not _is_near(point, size)]):
        x, y = far[0]
        raise UserError(f"{where}: the point ({x:g}, {y:g}) is far outside the picture, {size[0]}x{size[1]}")
    polygon = Polygon(label, tuple((float(x), float(y)) for x, y in points))
    if not polygon.is_flag and (box := _box_around([polygon])) is not None and in_one_pixel(box):
        raise UserError(f"{where}: lies in one pixel; points are in pixels, not in shares of the picture")
    return polygon


def _is_near(point: Sequence[float], size: Size) -> bool:
    """Whether a hand may have drawn it; what is far away is another picture's, and takes for ever to draw."""
    return all(-side <= value <= 2 * side for value, side in zip(point, size, strict=True))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = read_bytes(path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; download it again") from error
    try:
        text = decode_text(data)
    except UserError:
        text = data.decode("cp1252", errors="replace")  # a few files were written on Windows
    try:
        content = parse_json(text)
    except UserError as error:
        raise UserError(f"{path} {error}; download it again") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is not a ReasonSeg annotation: the top level is {type(content).__name__}, not object")
    return content


def _box_around(polygons: Sequence[Polygon]) -> Box | None:
    points = [point for polygon in polygons for point in polygon.points]
    return around(points) if points else None
