# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Flowers102: which of 102 species a picture shows."""

from __future__ import annotations

from verl_visual_rft.datasets.classification import resplit_data_set
from verl_visual_rft.datasets.readers.flowers102 import LAYOUT, read_flowers102

DATA_SET = resplit_data_set(
    "flowers102",
    read_flowers102,
    title="Flowers102",
    content="which of 102 species a picture shows",
    source="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
    layout=LAYOUT,
    root="FLOWERS",
    tested=2463,
)
