# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""COCO layout: reading and checking an annotation file, and finding the files of a dataset folder."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from verl_visual_rft.boxes import Box, part_within
from verl_visual_rft.coordinates import Size
from verl_visual_rft.datasets.segmentation import DRAWN, box_around
from verl_visual_rft.datasets.skips import Mend
from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import is_finite_number, read_json
from verl_visual_rft.labels import plain_name
from verl_visual_rft.prompts import PLACEHOLDER
from verl_visual_rft.tasks.question import Picture

#: The rule under which categories are listed that a file names and never annotates: the root that Roboflow adds.
UNUSED = "category without annotations, not asked about"

_MOST_LEVELS = 32  # of categories above each other
_MOST_ALIKE = 32  # categories of one name but for case and blanks


@dataclass(frozen=True, slots=True)
class Category:
    """One entry of ``categories``."""

    id: int
    name: str
    supercategory: str = ""


@dataclass(frozen=True, slots=True)
class CocoImage:
    """One entry of ``images``; sizes in pixels, ``file_name`` relative to the image folder."""

    id: int
    file_name: str
    width: int
    height: int

    @property
    def size(self) -> Size:
        """Width and height."""
        return self.width, self.height


@dataclass(frozen=True, slots=True)
class Annotation:
    """One entry of ``annotations`` without its segmentation; ``bbox`` is ``(x, y, width, height)`` in pixels."""

    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    area: float
    iscrowd: bool

    def corners_within(self, size: Size) -> Box | None:
        """Return ``(x1, y1, x2, y2)`` in pixels cut at the image's edges, or None when no area is left."""
        x, y, width, height = self.bbox
        return part_within((x, y, x + width, y + height), size)


@dataclass(frozen=True)
class CocoDataset:
    """A checked annotation file: ids are unique and every annotation points at a listed image and category."""

    path: Path
    images: Mapping[int, CocoImage]
    categories: Mapping[int, Category]
    annotations: Mapping[tuple[int, int], Sequence[Annotation]]
    """By ``(image_id, category_id)``; pairs without an annotation have no key."""
    looked_for: Mapping[int, frozenset[int]] | None = None
    """Of a federated file, by image id, the categories that were looked for in vain; None: all were looked for."""
    mends: tuple[Mend, ...] = ()
    """What was put right before the checks."""

    @cached_property
    def annotated(self) -> frozenset[int]:
        """The categories that have an annotation anywhere in the file."""
        return frozenset(category_id for _, category_id in self.annotations)

    @property
    def names(self) -> list[str]:
        """The names of all categories, in the order of their ids."""
        return [category.name for _, category in sorted(self.categories.items())]

    @property
    def unused(self) -> list[str]:
        """The names of the categories that have none, in the order of their ids."""
        return [category.name for _, category in sorted(self.categories.items()) if category.id not in self.annotated]

    @cached_property
    def above(self) -> Mapping[int, frozenset[int]]:
        """By category, those above it: its ``supercategory`` where that is a category of the file, and so on."""
        by_name = {category.name.casefold(): category.id for category in self.categories.values()}
        parents = {category.id: by_name.get(category.supercategory.casefold()) for category in self.categories.values()}
        above: dict[int, frozenset[int]] = {}
        for category_id in parents:
            seen, parent = {category_id}, parents[category_id]
            while parent is not None and parent not in seen and len(seen) < _MOST_LEVELS:
                seen.add(parent)
                parent = parents[parent]
            above[category_id] = frozenset(seen - {category_id})
        return above

    @cached_property
    def kin(self) -> Mapping[int, frozenset[int]]:
        """By category, those above and below it and those of the same name but for case and blanks, if any.

        A picture of a car shows a vehicle, whether it is boxed as one or not, and a boxed vehicle may be a car.
        """
        related: dict[int, set[int]] = defaultdict(set)
        alike: dict[str, set[int]] = defaultdict(set)
        for category in self.categories.values():
            alike[plain_name(category.name)].add(category.id)
        for same in alike.values():
            for category_id in same if len(same) > 1 else ():
                related[category_id] |= same - {category_id}
        for category_id, others in self.above.items():
            for other in others:
                related[category_id].add(other)
                related[other].add(category_id)
        return {category_id: frozenset(ids) for category_id, ids in related.items()}

    def picture(self, image_id: int, folder: Path) -> Picture:
        """Return the picture of an image in the folder that its file name is relative to."""
        image = self.images[image_id]
        return Picture(str(image_id), folder / image.file_name, image.file_name, image.size, folder=folder)

    def category_ids(self, names: Sequence[str]) -> dict[int, str]:
        """Return id -> name of the named categories, in the order of the names."""
        by_name = {category.name: category.id for category in self.categories.values()}
        return {by_name[name]: name for name in names}


@dataclass(frozen=True)
class CocoPaths:
    """Where the two splits lie."""

    train_annotations: Path
    train_images: Path
    val_annotations: Path
    val_images: Path


_NO_BOX: tuple[Any, ...] = (None, [], [0, 0, 0, 0])

_Identified = TypeVar("_Identified", CocoImage, Category, Annotation)


def find_layout(root: Path) -> CocoPaths:
    """Find annotation files and image folders below ``root``: plain names, or those of COCO 2017.

    Raises:
        UserError: The folder is missing or empty, or holds neither layout or both.
    """
    if not root.is_dir():
        raise UserError(f"{root} is not a folder; give the folder that holds the data set")
    if not any(root.iterdir()):
        raise UserError(f"{root} is empty; give the folder that holds the data set")
    found = [
        paths
        for year in ("", "2017")
        if (paths := _layout(root, year)).train_annotations.is_file() or paths.val_annotations.is_file()
    ]
    if len(found) != 1:
        problem = "holds both layouts" if found else "is not in COCO layout"
        raise UserError(
            f"{root} {problem}. Expected annotations/instances_train.json, annotations/instances_val.json, train/ and "
            "val/, or the same with 2017 after train and val. For other names give --train-annotations, "
            "--train-images, --val-annotations and --val-images."
        )
    return found[0]


def read_annotations(path: Path) -> dict[str, Any]:
    """Read an annotation file without its segmentations.

    Raises:
        UserError: The file is missing, not JSON, or lacks one of COCO's three lists.
    """
    content = read_json(path, "give a COCO annotation file", object_hook=_without_segmentation)
    if not isinstance(content, dict):
        raise UserError(f"{path} is not a COCO annotation file: the top level is {type(content).__name__}, not object")
    missing = [key for key in ("images", "annotations", "categories") if not isinstance(content.get(key), list)]
    if missing:
        raise UserError(f"{path} is not a COCO annotation file: no list under {', '.join(map(repr, missing))}")
    return content


def parse_coco(path: Path, content: Mapping[str, Any]) -> CocoDataset:
    """Check the entries of an annotation file that `read_annotations` gave.

    Raises:
        UserError: An entry is not COCO's; the message names the entry and the key.
    """
    images = _by_id(path, "images", map(_image, _entries(path, content, "images")))
    categories = _by_id(path, "categories", map(_category, _entries(path, content, "categories")))
    _require_unique_names(path, categories)
    annotations = _by_id(
        path,
        "annotations",
        (_annotation(entry, images, categories) for entry in _entries(path, content, "annotations")),
    )
    return CocoDataset(path, images, categories, by_pair(annotations.values()), _looked_for(path, content))


def by_pair(annotations: Iterable[Annotation]) -> dict[tuple[int, int], list[Annotation]]:
    """Return `CocoDataset.annotations` of annotations in any order; of a pair in the order of their ids."""
    pairs: dict[tuple[int, int], list[Annotation]] = defaultdict(list)
    for annotation in sorted(annotations, key=lambda entry: entry.id):
        pairs[annotation.image_id, annotation.category_id].append(annotation)
    return dict(pairs)


@dataclass(frozen=True)
class _Entry:
    """One object of a list in the file, with what an error message needs to point at it."""

    path: Path
    section: str
    position: int
    value: Any

    def error(self, problem: str) -> UserError:
        shown = self.value.get("id") if isinstance(self.value, dict) else None
        name = f" (id {shown})" if shown is not None else ""
        return UserError(f"{self.path}: {self.section}[{self.position}]{name}: {problem}")

    def get(self, key: str) -> Any:
        if not isinstance(self.value, dict):
            raise self.error(f"is {type(self.value).__name__}, not an object")
        if key not in self.value:
            raise self.error(f"key {key!r} is missing")
        return self.value[key]

    def integer(self, key: str, minimum: int | None = None) -> int:
        value = self.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or (minimum is not None and value < minimum):
            bound = "" if minimum is None else f" of at least {minimum}"
            raise self.error(f"{key!r} is {value!r}, not an integer{bound}")
        return value

    def text(self, key: str) -> str:
        value = self.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"{key!r} is {value!r}, not a text")
        return value


def _entries(path: Path, content: Mapping[str, Any], section: str) -> Iterator[_Entry]:
    return (_Entry(path, section, position, value) for position, value in enumerate(content[section]))


def _image(entry: _Entry) -> CocoImage:
    file_name = entry.text("file_name")
    path = PurePosixPath(file_name)
    if path.is_absolute() or ".." in path.parts or "\0" in file_name or not path.name:
        raise entry.error(f"'file_name' {file_name!r} is no path inside the image folder")
    return CocoImage(entry.integer("id"), file_name, entry.integer("width", 1), entry.integer("height", 1))


def _category(entry: _Entry) -> Category:
    name = entry.text("name")
    if PLACEHOLDER.search(name):
        raise entry.error(f"'name' {name!r} contains a placeholder that veRL would replace by an image")
    above = entry.value.get("supercategory")
    return Category(entry.integer("id"), name, above if isinstance(above, str) else "")


def _require_unique_names(path: Path, categories: Mapping[int, Category]) -> None:
    ids: dict[str, int] = {}
    alike = Counter(plain_name(category.name) for category in categories.values())
    for name, count in alike.most_common(1):
        if count > _MOST_ALIKE:  # each is kin to all others
            raise UserError(f"{path}: {count} categories have the name {name!r} but for case and blanks; rename them")
    for category in categories.values():
        if ids.setdefault(category.name, category.id) != category.id:
            raise UserError(
                f"{path}: two categories have the same name, {category.name!r}: ids {ids[category.name]} and "
                f"{category.id}; names must be unique"
            )


def _looked_for(path: Path, content: Mapping[str, Any]) -> dict[int, frozenset[int]] | None:
    """Return what images list under ``neg_category_ids``, as LVIS's do: nothing else is known to be absent."""
    key = "neg_category_ids"
    if not any(key in image for image in content["images"]):
        return None
    listed: dict[int, frozenset[int]] = {}
    for entry in _entries(path, content, "images"):
        ids = entry.value.get(key, [])
        if not isinstance(ids, list) or not all(isinstance(value, int) for value in ids):
            raise entry.error(f"{key!r} is {ids!r}, not a list of category ids")
        listed[entry.integer("id")] = frozenset(ids)
    return listed


def _annotation(entry: _Entry, images: Mapping[int, CocoImage], categories: Mapping[int, Category]) -> Annotation:
    image_id, category_id = entry.integer("image_id"), entry.integer("category_id")
    if image_id not in images:
        raise entry.error(f"'image_id' {image_id} is not in 'images'")
    if category_id not in categories:
        raise entry.error(f"'category_id' {category_id} is not in 'categories'")
    if "bbox" not in entry.value:
        raise entry.error("has no 'bbox', and no 'segmentation' of polygons or run lengths to draw one around")
    bbox = entry.get("bbox")
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(is_finite_number(value) for value in bbox):
        raise entry.error(f"'bbox' is {bbox!r}, not four finite numbers [x, y, width, height]")
    x, y, width, height = (float(value) for value in bbox)
    area = entry.value.get("area", width * height)
    if not is_finite_number(area):
        raise entry.error(f"'area' is {area!r}, not a finite number")
    crowd = entry.value.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise entry.error(f"'iscrowd' is {crowd!r}, not 0 or 1")
    return Annotation(entry.integer("id"), image_id, category_id, (x, y, width, height), float(area), bool(crowd))


def _by_id(path: Path, section: str, entries: Iterable[_Identified]) -> dict[int, _Identified]:
    by_id: dict[int, _Identified] = {}
    for entry in entries:
        if entry.id in by_id:
            raise UserError(f"{path}: id {entry.id} stands twice in {section!r}; ids must be unique")
        by_id[entry.id] = entry
    return by_id


def _without_segmentation(entry: dict[str, Any]) -> dict[str, Any]:
    # Segmentations are nine tenths of COCO; dropping each as it is parsed keeps the train file within memory.
    segmentation = entry.pop("segmentation", None)
    if segmentation and entry.get("bbox") in _NO_BOX and (box := box_around(segmentation)) is not None:
        entry[DRAWN] = box
    return entry


def _layout(root: Path, year: str) -> CocoPaths:
    annotations = root / "annotations"
    return CocoPaths(
        train_annotations=annotations / f"instances_train{year}.json",
        train_images=root / f"train{year}",
        val_annotations=annotations / f"instances_val{year}.json",
        val_images=root / f"val{year}",
    )
