# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The pictures, questions and settings that all contestants get."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from verl_visual_rft.datasets.rows import RFT_SCHEMA
from verl_visual_rft.tasks.detection.prompt import detection_prompt

# Of different lengths: veRL 0.9.1 dies of a batch whose sequences are all equally long (docs/upstream.md).
CATEGORIES = ("cat", "zebra", "bicycle", "fire hydrant", "stop sign", "potted plant", "sheep", "hair drier")


@dataclass(frozen=True)
class Workload:
    """What a step of every contestant is.

    Attributes:
        pictures: Sizes, taken in turn, each a multiple of 28: no contestant resizes.
        micro_batch: Sequences in one forward pass.
        cache_blocks: Blocks of vLLM's cache, of 128 tokens each; 0 leaves its size to vLLM, and a large one is touched,
            and counted as memory, bit by bit.
        seeded: Whether each response has a sampling seed of its own, so that all contestants get the same ones.
    """

    pictures: tuple[tuple[int, int], ...]
    new_tokens: int
    micro_batch: int
    seeded: bool
    prompts: int = 8
    rollouts: int = 8
    cache_blocks: int = 0
    #: The question without the picture has 12 tokens and those of its category.
    text_tokens: int = 60
    beta: float = 0.04
    learning_rate: float = 1e-6

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the longest prompt; one visual token stands for 28 x 28 pixels."""
        return max(width * height for width, height in self.pictures) // 28**2 + self.text_tokens


WORKLOADS = {
    # 401 408 pixels, upright and lying: 2048 patches, 512 visual tokens. Every prompt of a step has its own picture.
    "pictures": Workload(((896, 448), (448, 896)), new_tokens=32, micro_batch=8, seeded=True),
    "lengths": Workload(((112, 112),), new_tokens=128, micro_batch=64, seeded=False),
    "long": Workload(((112, 112),), new_tokens=32, micro_batch=64, seeded=False, cache_blocks=256),
}


def write_rows(path: Path, workload: Workload, rows: int) -> None:
    """Write ``rows`` detection questions, each about a picture of its own, in the project's row format."""
    draws = np.random.default_rng(0)
    table = [_row(index, workload.pictures[index % len(workload.pictures)], draws) for index in range(rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(table, schema=RFT_SCHEMA), path)


def _row(index: int, size: tuple[int, int], draws: np.random.Generator) -> dict[str, object]:
    category = CATEGORIES[index % len(CATEGORIES)]
    truth = {"boxes": [[100, 100, 300, 300], [500, 500, 700, 700]]}
    return {
        "data_source": "benchmark",
        "prompt": [{"role": "user", "content": f"<image>{detection_prompt(category)}"}],
        "images": [{"bytes": _picture(size, draws)}],
        "ability": "detection",
        "reward_model": {"style": "rule", "ground_truth": json.dumps(truth)},
        "extra_info": {"index": index, "split": "train", "image_id": str(index), "width": size[0], "height": size[1]},
    }


def _picture(size: tuple[int, int], draws: np.random.Generator) -> bytes:
    """A JPEG of coarse noise; no two are equal."""
    noise = draws.integers(0, 256, size=(size[1] // 14, size[0] // 14, 3), dtype=np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(encoded, "JPEG", quality=90)
    return encoded.getvalue()
