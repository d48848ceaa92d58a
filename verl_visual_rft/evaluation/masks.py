# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Masks: the prepared truth, a filled box, the file of predicted masks, and their overlap.

A mask is a boolean array ``(height, width)`` in the pixels of the stored picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from verl_visual_rft.boxes import Box
from verl_visual_rft.coordinates import Size
from verl_visual_rft.datasets.readers.masks import IGNORE, TARGET
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import open_picture
from verl_visual_rft.input_files import read_json_lines

Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class TrueMask:
    """What is looked for in a picture.

    Attributes:
        target: Pixels of the object.
        counted: Pixels that count: all but those to be ignored.
    """

    target: Mask
    counted: Mask

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        height, width = self.target.shape
        return width, height


@dataclass(frozen=True)
class PredictedMask:
    """A line of a masks file.

    Attributes:
        index: Row of the evaluation parquet.
        box: The answered box, in pixels, that the mask was made from; ``None`` where the answer gives none.
        segmentation: The mask as COCO's compressed run lengths, ``{"size": [height, width], "counts": text}``; ``None``
            without a box.
    """

    index: int
    box: tuple[float, ...] | None
    segmentation: dict[str, Any] | None


def read_true_mask(path: Path) -> TrueMask:
    """Read a mask that data prep drew: 1 target, 255 to be ignored.

    Raises:
        UserError: The file is missing, or no such mask.
    """
    try:
        with open_picture(path) as image:
            values = np.asarray(image)
    except FileNotFoundError:
        raise UserError(f"{path}: no such mask; prepare the data again") from None
    except (OSError, UserError) as error:
        raise UserError(f"{path} cannot be read as a picture: {error}; prepare the data again") from error
    if values.ndim != 2 or not np.isin(values, (0, TARGET, IGNORE)).all():
        raise UserError(f"{path} is not a mask of 0, {TARGET} and {IGNORE}; prepare the data again")
    return TrueMask(values == TARGET, values != IGNORE)


def fill_box(box: Box, size: Size) -> Mask:
    """Return the pixels whose centres lie in a box.

    Example:
        >>> fill_box((0.6, 0.0, 2.5, 1.0), (4, 2)).astype(int).tolist()
        [[0, 1, 0, 0], [0, 0, 0, 0]]
    """
    x1, y1, x2, y2 = (math.ceil(value - 0.5) for value in box)
    mask: Mask = np.zeros((size[1], size[0]), dtype=np.bool_)
    mask[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)] = True
    return mask


def overlap(predicted: Mask | None, truth: TrueMask) -> tuple[int, int]:
    """Count the pixels of intersection and union among those that count; without a prediction, 0 and the target.

    Example:
        >>> target, counted = np.array([[1, 1, 0, 0]], dtype=bool), np.array([[1, 1, 1, 0]], dtype=bool)
        >>> overlap(np.array([[0, 1, 1, 1]], dtype=bool), TrueMask(target, counted))
        (1, 3)
    """
    if predicted is None:
        return 0, int(truth.target.sum())
    intersection = predicted & truth.target & truth.counted
    union = (predicted | truth.target) & truth.counted
    return int(intersection.sum()), int(union.sum())


def encode_mask(mask: Mask) -> dict[str, Any]:
    """Return a mask as COCO's compressed run lengths, JSON-ready."""
    encoded = _run_lengths().encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": [int(side) for side in encoded["size"]], "counts": encoded["counts"].decode("ascii")}


def decode_mask(segmentation: Mapping[str, Any]) -> Mask:
    """Return the mask of COCO's compressed run lengths."""
    counts = str(segmentation["counts"]).encode("ascii")
    decoded: Mask = _run_lengths().decode({"size": segmentation["size"], "counts": counts}).astype(np.bool_)
    return decoded


def read_predicted_masks(path: Path) -> dict[int, PredictedMask]:
    """Read a masks file; by row index.

    Raises:
        UserError: The file is missing, or a line is not one that ``visual-rft segment`` wrote.
    """
    masks: dict[int, PredictedMask] = {}
    for number, record in read_json_lines(path, "make it with `visual-rft segment`"):
        try:
            box = record["box"]
            mask = PredictedMask(record["index"], None if box is None else tuple(box), record["segmentation"])
        except (KeyError, TypeError) as error:
            raise UserError(f"{path}: line {number}: no mask ({error!r}); run `visual-rft segment` again") from error
        if mask.index in masks:
            raise UserError(
                f"{path}: line {number}: row {mask.index} has a second mask; run `visual-rft segment` again"
            )
        masks[mask.index] = mask
    return masks


def _run_lengths() -> Any:
    try:
        from faster_coco_eval.core import mask
    except ImportError:
        raise UserError("masks need faster-coco-eval: pip install 'verl-visual-rft[eval]'") from None
    return mask
