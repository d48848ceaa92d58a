# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Marks in words."""

from __future__ import annotations

from verl_visual_rft.tasks.marks import Mark, Shape, describe, point_mark


def test_few_points_are_written_out_and_many_are_counted() -> None:
    triangle = Mark(Shape.POLYGON, ((0, 0), (4, 0), (2, 3.5)), "sail")
    many = Mark(Shape.POLYGON, tuple((x, x % 3) for x in range(20)))
    assert describe([point_mark((1, 2)), triangle]) == "(1, 2), (0, 0, 4, 0, 2, 3.5) sail"
    assert describe([many]) == "20 points around (0, 0, 19, 2)"
