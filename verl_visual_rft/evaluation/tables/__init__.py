# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's Tables 2 to 8 as data, and measured runs beside them."""

from verl_visual_rft.evaluation.tables.comparison import Comparison, compare
from verl_visual_rft.evaluation.tables.formats import FORMATS
from verl_visual_rft.evaluation.tables.measured import Measurement, read_measurements
from verl_visual_rft.evaluation.tables.paper import PaperTable, paper_table

__all__ = ["FORMATS", "Comparison", "Measurement", "PaperTable", "compare", "paper_table", "read_measurements"]
