# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The parquet row: what veRL's datasets read, and what our reward and evaluation find again in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from verl_visual_rft.coordinates import Box, to_thousandths
from verl_visual_rft.datasets.coco_layout import Category, CocoImage
from verl_visual_rft.errors import UserError
from verl_visual_rft.prompts import detection_answer, detection_prompt
from verl_visual_rft.truths import read_truth

_CHAT = pa.list_(pa.struct({"role": pa.string(), "content": pa.string()}))

#: Columns of train.parquet and val.parquet (reinforcement fine-tuning: ``verl.utils.dataset.RLHFDataset``).
RFT_SCHEMA = pa.schema(
    {
        "data_source": pa.string(),
        "prompt": _CHAT,
        "images": pa.list_(pa.struct({"bytes": pa.binary(), "min_pixels": pa.int64(), "max_pixels": pa.int64()})),
        "ability": pa.string(),
        "reward_model": pa.struct({"style": pa.string(), "ground_truth": pa.string()}),
        "extra_info": pa.struct(
            {
                "index": pa.int64(),
                "split": pa.string(),
                "image_id": pa.string(),
                "file_name": pa.string(),
                "width": pa.int64(),
                "height": pa.int64(),
                "category": pa.string(),
                "category_id": pa.int64(),
            }
        ),
    }
)

#: The same with the target answer (supervised fine-tuning: ``verl.utils.dataset.MultiTurnSFTDataset``).
SFT_SCHEMA = RFT_SCHEMA.append(pa.field("messages", _CHAT))


@dataclass(frozen=True)
class DetectionSample:
    """One question: all boxes of one category in one image.

    Attributes:
        image: The image's entry in the annotation file.
        category: The category asked for.
        boxes: ``(x1, y1, x2, y2)`` in pixels of the original image; none means that the category is absent.
    """

    image: CocoImage
    category: Category
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class RowStyle:
    """What all rows of a folder share.

    Attributes:
        data_source: veRL groups validation metrics by it.
        think: Whether the prompt asks for a thinking process.
        min_pixels: Smaller images are enlarged to this many pixels before the vision tower.
        max_pixels: Larger images are reduced to this many.
    """

    data_source: str
    think: bool
    min_pixels: int
    max_pixels: int


def rft_row(sample: DetectionSample, image_bytes: bytes, index: int, split: str, style: RowStyle) -> dict[str, Any]:
    """Build one row of `RFT_SCHEMA`; the image's bytes are kept as they are in its file.

    The ground truth is a JSON string ``{"boxes": [[x1, y1, x2, y2], ...]}`` on the 0-1000 grid.
    """
    return {
        "data_source": style.data_source,
        "prompt": [_user_turn(sample, style)],
        "images": [{"bytes": image_bytes, "min_pixels": style.min_pixels, "max_pixels": style.max_pixels}],
        "ability": "detection",
        "reward_model": {"style": "rule", "ground_truth": _ground_truth(sample)},
        "extra_info": {
            "index": index,
            "split": split,
            "image_id": str(sample.image.id),
            "file_name": sample.image.file_name,
            "width": sample.image.width,
            "height": sample.image.height,
            "category": sample.category.name,
            "category_id": sample.category.id,
        },
    }


def sft_row(sample: DetectionSample, image_bytes: bytes, index: int, split: str, style: RowStyle) -> dict[str, Any]:
    """Build one row of `SFT_SCHEMA`: the same question with the target answer.

    The target is the answer alone, even where the prompt asks for thinking: no thinking process is annotated, and the
    paper's SFT baseline was trained this way (authors, issue 219 of the published repository).
    """
    answer = {"role": "assistant", "content": detection_answer(_grid_boxes(sample))}
    row = rft_row(sample, image_bytes, index, split, style)
    return {**row, "messages": [*row["prompt"], answer]}


def _user_turn(sample: DetectionSample, style: RowStyle) -> dict[str, str]:
    return {"role": "user", "content": "<image>" + detection_prompt(sample.category.name, think=style.think)}


def _ground_truth(sample: DetectionSample) -> str:
    ground_truth = json.dumps({"boxes": _grid_boxes(sample)})
    try:
        read_truth("detection", ground_truth)
    except UserError as error:
        raise UserError(f"{sample.image.file_name}, category {sample.category.name!r}: {error}") from error
    return ground_truth


def _grid_boxes(sample: DetectionSample) -> list[tuple[int, int, int, int]]:
    return [to_thousandths(box, sample.image.size) for box in sample.boxes]
