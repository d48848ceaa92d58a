# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Oxford-IIIT Pets: which of 37 breeds a picture shows."""

from __future__ import annotations

from verl_visual_rft.datasets.classification import resplit_data_set
from verl_visual_rft.datasets.readers.pets37 import LAYOUT, read_pets37

DATA_SET = resplit_data_set(
    "pets37",
    read_pets37,
    title="Oxford-IIIT Pets",
    content="which of 37 breeds a picture shows",
    source="https://www.robots.ox.ac.uk/~vgg/data/pets/",
    layout=LAYOUT,
    root="PETS",
    tested=3669,
    official_has_val=False,
)
