# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Entries of annotation files, in the fields that COCO and LVIS share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.boxes import around
from verl_visual_rft.coordinates import Size
from verl_visual_rft.miniature.originals.drawing import Polygon, area_of

_LICENSE = {"url": "https://creativecommons.org/publicdomain/zero/1.0/", "id": 1, "name": "CC0: drawn by a program"}


def image_entry(image_id: int, folder: str, size: Size) -> dict[str, Any]:
    """Return an image without ``file_name``, which LVIS does not have."""
    return {
        "license": _LICENSE["id"],
        "coco_url": f"http://images.cocodataset.org/{folder}/{image_id:012d}.jpg",
        "height": size[1],
        "width": size[0],
        "date_captured": "2013-11-14 17:02:52",
        "flickr_url": "",
        "id": image_id,
    }


def _annotation_entry(annotation_id: int, image_id: int, category_id: int, polygon: Polygon) -> dict[str, Any]:
    """Return an annotation without ``iscrowd``, which LVIS does not have; ``area`` is the polygon's, not the box's."""
    x1, y1, x2, y2 = around(polygon)
    return {
        "segmentation": [[value for point in polygon for value in point]],
        "area": area_of(polygon),
        "image_id": image_id,
        "bbox": [round(value, 2) for value in (x1, y1, x2 - x1, y2 - y1)],
        "category_id": category_id,
        "id": annotation_id,
    }


def annotate(
    annotations: list[dict[str, Any]],
    image_id: int,
    category_ids: Sequence[int],
    polygons: Sequence[Polygon],
    **also: int,
) -> None:
    """Add the annotations of a picture's objects; their ids count on."""
    for category_id, polygon in zip(category_ids, polygons, strict=True):
        annotations.append(_annotation_entry(len(annotations) + 1, image_id, category_id, polygon) | also)


def crowd_entry(image_id: int, category_id: int, size: Size) -> dict[str, Any]:
    """Return a crowd on the lower third of the picture: run lengths down the columns, a run outside the mask first."""
    width, height = size
    top = height * 2 // 3
    return {
        "segmentation": {"counts": [run for _ in range(width) for run in (top, height - top)], "size": [height, width]},
        "area": (height - top) * width,
        "iscrowd": 1,
        "image_id": image_id,
        "bbox": [0, top, width, height - top],
        "category_id": category_id,
        "id": 900_000_000_000 + category_id * 100_000_000 + image_id,
    }


def write_annotations(
    path: Path,
    images: Sequence[Mapping[str, Any]],
    annotations: Sequence[Mapping[str, Any]],
    categories: Sequence[Mapping[str, Any]],
) -> None:
    """Write an annotation file."""
    content = {
        "info": {"description": "pictures drawn by a program", "version": "1.0", "year": 2017},
        "licenses": [_LICENSE],
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
