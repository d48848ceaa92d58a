# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Stanford Cars: which of 196 models a picture shows."""

from __future__ import annotations

from verl_visual_rft.datasets.classification import resplit_data_set
from verl_visual_rft.datasets.readers.cars196 import LAYOUT, read_cars196

DATA_SET = resplit_data_set(
    "cars196",
    read_cars196,
    title="Stanford Cars",
    content="which of 196 models a picture shows",
    source="the original host is gone; copies: https://github.com/pytorch/vision/issues/7545",
    layout=LAYOUT,
    root="CARS",
    tested=8041,
    official_has_val=False,
)
