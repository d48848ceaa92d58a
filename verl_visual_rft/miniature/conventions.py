# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The corpus that pretrains the quick start's tiny model: detection answers in mixed conventions.

Real pretraining mixes them too. A model that has met several conventions follows the most frequent one when it answers
greedily, and the others when it is sampled. Selecting the one that the task wants is what reinforcement fine-tuning
does to a pretrained model; a small model taught clean answers only would leave a verifiable reward little to select.
So, on purpose, most answers give pixels instead of the 0-1000 grid, part of them skip the thinking, and some deny or
invent objects.

All categories occur, novel ones too, as everything in COCO occurs in Qwen2-VL's pretraining: "novel" means
unseen by fine-tuning.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from verl_visual_rft.coordinates import to_thousandths
from verl_visual_rft.miniature.shapes import CATEGORIES, Scene, scenes
from verl_visual_rft.tasks.detection.prompt import detection_answer, detection_prompt

P_PIXELS = 0.55  # boxes in pixels, not on the 0-1000 grid
P_THINKING = 0.6


@dataclass(frozen=True)
class Phase:
    """One phase of pretraining."""

    most_objects: int  #: In a picture.
    p_absent: float  #: The asked category is not in the picture.
    p_denied: float  #: "No Objects" is answered although the category is there.
    p_invented: float  #: Another object's box is answered although the category is absent.


#: In the order of training. A tiny model learns on pictures of the asked object alone, within a few hundred steps,
#: where things are, and only then which of several is meant; begun with several it learns neither.
PHASES = {
    "simple": Phase(most_objects=1, p_absent=0.0, p_denied=0.0, p_invented=0.0),
    "noisy": Phase(most_objects=3, p_absent=0.35, p_denied=0.15, p_invented=0.3),
}

THOUGHTS = (
    "I look for each {category}.",
    "Where is a {category}?",
    "The picture may hold a {category}.",
)
_QUESTIONS_PER_SCENE = 2


def corpus(count: int, seed: int, phase: Phase) -> Iterator[tuple[Scene, str, str]]:
    """Yield ``count`` triples of picture, asked category and target answer."""
    rng = random.Random(f"conventions-{seed}")
    produced = 0
    for scene in scenes(-(-count // _QUESTIONS_PER_SCENE), 1_000_003 + seed, phase.most_objects):
        for _ in range(min(_QUESTIONS_PER_SCENE, count - produced)):
            category = _question(rng, scene, phase)
            yield scene, category, _answer(rng, scene, category, phase)
            produced += 1


def write_corpus(out: Path, count: int, seed: int, phase: Phase) -> None:
    """Write a phase's corpus for veRL's SFT trainer."""
    write_rows(out, corpus(count, seed, phase))


def write_rows(out: Path, samples: Iterable[tuple[Scene, str, str]]) -> None:
    """Write pictures, asked categories and target answers as a parquet of ``messages`` and ``images``."""
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = [_row(*sample) for sample in samples]
    partial = out.with_suffix(".partial")
    pq.write_table(pa.Table.from_pylist(rows), partial, row_group_size=256)
    partial.replace(out)


def _row(scene: Scene, category: str, answer: str) -> dict[str, Any]:
    buffer = io.BytesIO()
    scene.image.save(buffer, "PNG")
    return {
        "messages": [
            {"role": "user", "content": "<image>" + detection_prompt(category)},
            {"role": "assistant", "content": answer},
        ],
        "images": [{"bytes": buffer.getvalue()}],
    }


def _question(rng: random.Random, scene: Scene, phase: Phase) -> str:
    if rng.random() < phase.p_absent:
        return rng.choice([category for category in CATEGORIES if category not in scene.categories])
    return rng.choice(scene.categories)


def _answer(rng: random.Random, scene: Scene, category: str, phase: Phase) -> str:
    thinking = rng.choice(THOUGHTS).format(category=category) if rng.random() < P_THINKING else None
    boxes = [box for name, box in zip(scene.categories, scene.boxes, strict=True) if name == category]
    if boxes and rng.random() < phase.p_denied:
        boxes = []
    elif not boxes and rng.random() < phase.p_invented:
        boxes = [rng.choice(scene.boxes)]
    if rng.random() >= P_PIXELS:
        boxes = [to_thousandths(box, scene.image.size) for box in boxes]
    boxes.sort()  # left to right: a sequence model needs an order
    return detection_answer(boxes, [rng.randint(30, 99) / 100 for _ in boxes], thinking)
