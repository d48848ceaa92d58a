# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Miniature ViRFT_* sets (columns ``image``, ``problem``, ``solution``), as published and as saved to disk."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from verl_visual_rft.boxes import around
from verl_visual_rft.coordinates import GRID, Size
from verl_visual_rft.datasets.category_lists import COCO_FEWSHOT8
from verl_visual_rft.miniature.originals.drawing import Polygon, draw_scene
from verl_visual_rft.tasks.classification.prompt import classification_prompt
from verl_visual_rft.tasks.detection.prompt import detection_prompt

Row = Mapping[str, Any]

FLOWERS = ("pink primrose", "hard-leaved pocket orchid", "canterbury bells")
SHOTS = 4

_FEATURES = {
    "image": {"_type": "Image"},
    "problem": {"dtype": "string", "_type": "Value"},
    "solution": {"dtype": "string", "_type": "Value"},
}
# What lets the `datasets` package see that the column "image" holds pictures.
_SCHEMA = pa.schema(
    {
        "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
        "problem": pa.string(),
        "solution": pa.string(),
    },
    metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})},
)


def write_virft_hub(root: Path, seed: int) -> None:
    """Write a detection and a classification set, each published (``NAME/data/``) and saved (``NAME_saved/``).

    Two of the detection rows are as a few published ones are: one has no object, one has a box without width.
    """
    rng = random.Random(f"virft_hub-{seed}")
    sets = {
        "ViRFT_COCO_8_cate_4_shot": list(_detection_rows(rng)),
        "ViRFT_CLS_flower_4_shot": list(_classification_rows(rng)),
    }
    for name, rows in sets.items():
        _publish(root / name / "data", rows)
        _save_to_disk(root / f"{name}_saved", rows)


def _detection_rows(rng: random.Random) -> Iterator[Row]:
    for kind, category in enumerate(COCO_FEWSHOT8):
        for shot in range(SHOTS):
            scene = draw_scene(rng, [kind] * (1 + shot % 2))
            boxes = [_position(polygon, scene.image.size) for polygon in scene.polygons]
            if kind == 0 and shot == 0:
                boxes = []
            if kind == 1 and shot == 0:
                boxes = [(boxes[0][0], boxes[0][1], boxes[0][0], boxes[0][3])]
            listed = ", ".join(f"{{'Position': {list(box)}, 'Confidence': 1}}" for box in boxes)
            solution = f"<answer>[{listed}]</answer>" if boxes else "<answer>No Objects</answer>"
            yield _row(scene.image, detection_prompt(category), solution)


def _classification_rows(rng: random.Random) -> Iterator[Row]:
    for kind, name in enumerate(FLOWERS):
        for _ in range(SHOTS):
            prompt = classification_prompt("a plant", "the species of the plant")
            yield _row(draw_scene(rng, [kind]).image, prompt, f"<answer>{name}</answer>")


def _position(polygon: Polygon, size: Size) -> tuple[int, ...]:
    """Return a box on the 0-1000 grid, floored as the paper's authors did."""
    return tuple(int(value / size[i % 2] * GRID) for i, value in enumerate(around(polygon)))


def _row(image: Image.Image, problem: str, solution: str) -> Row:
    buffer = io.BytesIO()
    image.convert("RGBA").save(buffer, "PNG")
    return {"image": {"bytes": buffer.getvalue(), "path": None}, "problem": problem, "solution": solution}


def _publish(folder: Path, rows: Sequence[Row]) -> None:
    folder.mkdir(parents=True)
    half = len(rows) // 2
    for number, shard in enumerate((rows[:half], rows[half:])):
        pq.write_table(_table(shard), folder / f"train-{number:05d}-of-00002.parquet", row_group_size=5)


def _save_to_disk(root: Path, rows: Sequence[Row]) -> None:
    folder = root / "train"
    folder.mkdir(parents=True)
    _write_json(root / "dataset_dict.json", {"splits": ["train"]})
    file_name = "data-00000-of-00001.arrow"
    with pa.OSFile(str(folder / file_name), "wb") as file, pa.ipc.new_stream(file, _SCHEMA) as stream:
        stream.write_table(_table(rows), max_chunksize=5)
    _write_json(
        folder / "dataset_info.json",
        {"citation": "", "description": "", "features": _FEATURES, "homepage": "", "license": ""},
    )
    _write_json(
        folder / "state.json",
        {
            "_data_files": [{"filename": file_name}],
            "_fingerprint": "0123456789abcdef",
            "_format_columns": None,
            "_format_kwargs": {},
            "_format_type": None,
            "_output_all_columns": False,
            "_split": None,
        },
    )


def _table(rows: Sequence[Row]) -> pa.Table:
    return pa.Table.from_pylist([dict(row) for row in rows], schema=_SCHEMA)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2))
