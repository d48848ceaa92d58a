# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Write SFT rows for a policy before GRPO: how often its boxes are right, and how sure it is of them.

    python benchmarks/reward_hacking/warm_up_corpus.py --strength weak --out weak.parquet

A wrong box is the right one in pixels where the 0-1000 grid is asked for, as in the corpus that the tiny model was
pretrained on. A confidence is within 0.2 of how often boxes are right, and says nothing about the box that it stands
by: so the policy is calibrated on the whole, and the reward decides what it makes of boxes and confidences.
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from verl_visual_rft.coordinates import to_thousandths
from verl_visual_rft.datasets.conventions import THOUGHTS, write_rows
from verl_visual_rft.datasets.shapes import BASE, Scene, scenes
from verl_visual_rft.prompts import detection_answer

P_WRONG = {"weak": 0.8, "middling": 0.5, "strong": 0.15}
P_ABSENT = 0.1  # as in the quick start's rows
SPREAD = 0.2  # of confidence around the share of right boxes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strength", choices=P_WRONG, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=3200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_rows(options.out, questions(options.rows, options.seed, P_WRONG[options.strength]))


def questions(count: int, seed: int, p_wrong: float) -> Iterator[tuple[Scene, str, str]]:
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
        if rng.random() >= p_wrong:
            boxes = [to_thousandths(box, scene.image.size) for box in boxes]
        confidences = [min(max(1 - p_wrong + rng.uniform(-SPREAD, SPREAD), 0.0), 0.99) for _ in boxes]
        thinking = rng.choice(THOUGHTS).format(category=category)
        yield scene, category, detection_answer(sorted(boxes), confidences, thinking)
        produced += 1
        if produced == count:
            return


if __name__ == "__main__":
    main()
