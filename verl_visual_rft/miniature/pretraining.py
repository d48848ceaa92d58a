# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the pretraining of the quick start's tiny model begins with: its corpora and its random weights.

    python -m verl_visual_rft.miniature.pretraining --out DIR --simple 9600 --noisy 48000

writes a parquet for each phase and ``DIR/untrained``; `recipes/pretrain_tiny.sh` trains on them in this order.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from verl_visual_rft.miniature.conventions import PHASES, THOUGHTS, write_corpus
from verl_visual_rft.miniature.shapes import COLOURS, SHAPES

#: The pretrained model as it is shipped.
TINY_MODEL = Path(__file__).parent / "tiny_qwen2vl"


def main() -> None:
    """Parse the command line and write corpora and model."""
    from verl_visual_rft.miniature.tiny_model import build_tiny_model

    parser = argparse.ArgumentParser(description="Write the corpora and the untrained weights of the tiny model.")
    parser.add_argument("--out", type=Path, required=True)
    for name in PHASES:
        parser.add_argument(f"--{name}", type=int, required=True, help=f"examples of the phase {name!r}")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for number, (name, phase) in enumerate(PHASES.items()):
        seed = len(PHASES) * options.seed + number
        write_corpus(options.out / f"{name}.parquet", getattr(options, name), seed, phase)
    thoughts = tuple(part for thought in THOUGHTS for part in thought.split("{category}"))
    build_tiny_model(options.out / "untrained", (*COLOURS, *SHAPES, *thoughts), seed=options.seed)


if __name__ == "__main__":
    main()
