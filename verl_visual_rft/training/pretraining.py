# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the pretraining of the quick start's tiny model begins with: its corpora and its random weights.

    python -m verl_visual_rft.training.pretraining --out DIR --simple 9600 --mixed 48000

writes ``DIR/simple.parquet``, ``DIR/mixed.parquet`` and ``DIR/untrained``; `recipes/pretrain_tiny.sh` trains on them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from verl_visual_rft.datasets.conventions import THOUGHTS, write_corpus
from verl_visual_rft.datasets.shapes import COLOURS, SHAPES

#: The pretrained model as it is shipped.
TINY_MODEL = Path(__file__).parent / "tiny_qwen2vl"


def main() -> None:
    """Parse the command line and write corpora and model."""
    from verl_visual_rft.training.tiny_model import build_tiny_model

    parser = argparse.ArgumentParser(description="Write the corpora and the untrained weights of the tiny model.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--simple", type=int, default=9600, help="answers about pictures of one object")
    parser.add_argument("--mixed", type=int, default=48000, help="answers about pictures of one to three objects")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write_corpus(options.out / "simple.parquet", options.simple, seed=2 * options.seed, simple=True)
    write_corpus(options.out / "mixed.parquet", options.mixed, seed=2 * options.seed + 1)
    thoughts = tuple(part for thought in THOUGHTS for part in thought.split("{category}"))
    build_tiny_model(options.out / "untrained", (*COLOURS, *SHAPES, *thoughts), seed=options.seed)


if __name__ == "__main__":
    main()
