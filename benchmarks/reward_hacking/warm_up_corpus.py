# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Write SFT rows for a policy before GRPO: how often its boxes are right, and how sure it is of them.

    python benchmarks/reward_hacking/warm_up_corpus.py --strength weak --out weak.parquet

A box can be wrong in two ways: in pixels where the 0-1000 grid is asked for, as in the corpus that the tiny model was
pretrained on; and an edge off by a cell of the 14-pixel grid on which the objects lie. Confidences are those of a
policy that knows how good it is on the whole, and nothing of the box that they stand by: the reward decides what it
makes of them.
"""

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from verl_visual_rft.coordinates import to_thousandths
from verl_visual_rft.miniature.conventions import THOUGHTS, write_rows
from verl_visual_rft.miniature.shapes import BASE, GRID, SIDE, Box, Scene, scenes
from verl_visual_rft.tasks.detection.prompt import detection_answer

P_ABSENT = 0.1  # as in the quick start's rows


@dataclass(frozen=True)
class Policy:
    """What the rows teach.

    Attributes:
        p_pixels: Boxes of an answer in pixels.
        p_edge: An edge of a box is off by a cell.
        confidence: Between which bounds confidences are drawn.
    """

    p_pixels: float
    p_edge: float
    confidence: tuple[float, float]


#: 0.31, 0.59 and 0.88 of the boxes have an IoU of 0.5 or more.
POLICIES = {
    "weak": Policy(p_pixels=0.5, p_edge=0.5, confidence=(0.0, 0.3)),
    "middling": Policy(p_pixels=0.3, p_edge=0.3, confidence=(0.3, 0.7)),
    "strong": Policy(p_pixels=0.1, p_edge=0.15, confidence=(0.6, 0.99)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strength", choices=POLICIES, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=3200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_rows(options.out, questions(options.rows, options.seed, POLICIES[options.strength]))


def questions(count: int, seed: int, policy: Policy) -> Iterator[tuple[Scene, str, str]]:
    """Yield picture, asked base category and target answer."""
    rng = random.Random(f"warm-up-{seed}")
    produced = 0
    for scene in scenes(2 * count, seed=2_000_003 + seed):
        shown = sorted(set(scene.categories) & set(BASE))
        absent = rng.random() < P_ABSENT
        asked = [category for category in BASE if category not in shown] if absent else shown
        if not asked:
            continue
        category = rng.choice(asked)
        boxes = [box for name, box in zip(scene.categories, scene.boxes, strict=True) if name == category]
        boxes = [_inaccurate(rng, box, policy.p_edge) for box in boxes]
        if rng.random() >= policy.p_pixels:
            boxes = [to_thousandths(box, scene.image.size) for box in boxes]
        confidences = [rng.uniform(*policy.confidence) for _ in boxes]
        thinking = rng.choice(THOUGHTS).format(category=category)
        yield scene, category, detection_answer(sorted(boxes), confidences, thinking)
        produced += 1
        if produced == count:
            return


def _inaccurate(rng: random.Random, box: Box, p_edge: float) -> Box:
    (x1, x2), (y1, y2) = (_off_by_a_cell(rng, *side, p_edge) for side in ((box[0], box[2]), (box[1], box[3])))
    return x1, y1, x2, y2


def _off_by_a_cell(rng: random.Random, low: int, high: int, p_edge: float) -> tuple[int, int]:
    while True:
        start, end = (edge + rng.choice((-GRID, GRID)) * (rng.random() < p_edge) for edge in (low, high))
        if 0 <= start < end <= SIDE:
            return start, end


if __name__ == "__main__":
    main()
