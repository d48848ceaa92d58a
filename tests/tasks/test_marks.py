# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Marks in words, and where their labels stand."""

from __future__ import annotations

from verl_visual_rft.tasks.marks import Mark, Shape, box_mark, caption, describe, outline, point_mark


def test_few_points_are_written_out_and_many_are_counted() -> None:
    triangle = Mark(Shape.POLYGON, ((0, 0), (4, 0), (2, 3.5)), "sail")
    many = Mark(Shape.POLYGON, tuple((x, x % 3) for x in range(20)))
    assert describe([point_mark((1, 2)), triangle]) == "(1, 2), (0, 0, 4, 0, 2, 3.5) sail"
    assert describe([many]) == "20 points around (0, 0, 19, 2)"


def test_a_label_runs_into_the_picture_from_either_side() -> None:
    left, right = (outline(box_mark((x, 100, x + 300, 500)), (200, 100), (1000, 1000), "cup") for x in (50, 650))
    assert (left.anchor, left.label_x, left.label_y) == ("start", 10, 10)
    assert (right.anchor, right.label_x, right.label_y) == ("end", 190, 10)


def test_what_a_model_calls_a_box_is_one_short_line() -> None:
    assert caption(box_mark((0, 0, 1, 1), "a\n red  cup", 0.5)) == "a red cup 0.50"
    assert caption(box_mark((0, 0, 1, 1), "cup " * 900)) == "cup " * 9 + "cup…"
