# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the counts over prepared rows."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from verl_visual_rft.datasets.inspection import CategoryCount, Histogram, inspect
from verl_visual_rft.errors import UserError


def text_of(renderable: object) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(renderable)
    return console.export_text()


def test_counts(tiny, write_rows) -> None:
    two = {"reward_model": {"style": "rule", "ground_truth": '{"boxes": [[0, 0, 500, 500], [0, 0, 100, 1000]]}'}}
    none = {"reward_model": {"style": "rule", "ground_truth": '{"boxes": []}'}}
    train = write_rows(
        [
            tiny.row(index=0, **two),
            tiny.row(index=0, extra_info={"category": "cat"}, **none),
            tiny.row("classification", 2, images=[{"bytes": tiny.encode(2, (300, 100), "JPEG")}]),
            tiny.row("grounding", 3),
        ]
    )
    val = write_rows([tiny.row(index=9, extra_info={"split": "val"})], "val.parquet")
    found = inspect([train, val])
    assert [(file.path, file.rows, file.row_groups, file.largest_row_group) for file in found.files] == [
        (train, 4, 2, 3),
        (val, 1, 1, 1),
    ]
    assert (found.rows, found.boxes, found.negatives, found.unreadable) == (5, 4, 1, 0)
    assert found.tasks == {"detection": 3, "classification": 1, "grounding": 1}
    assert found.splits == {"train": 4, "val": 1}
    assert found.categories == {
        "pug": CategoryCount(3, 0, 3),
        "cat": CategoryCount(1, 1, 0),
    }  # an instruction is no category
    # Rows 0 and 1 share their picture.
    assert (found.pictures, found.formats) == (4, {"PNG RGB": 3, "JPEG RGB": 1})
    boxes, area, aspect = (found.histograms[name] for name in ("boxes", "area", "aspect"))
    assert boxes.counts[:3] == [1, 2, 1] and boxes.n == 4  # the classification row has no boxes to count
    assert (area.minimum, area.maximum) == pytest.approx((4.0, 25.0))
    # On a picture of 100x50, a tenth of the width by all of the height is 10x50.
    assert (aspect.minimum, aspect.maximum) == pytest.approx((0.2, 2.0))
    assert found.histograms["side"].maximum == 300
    assert found.histograms["prompt_tokens"].mean == 100


def test_a_box_in_pixels_of_the_resized_picture(tiny, write_rows) -> None:
    truth = json.dumps({"boxes": [[0, 0, 28, 56]], "extent": [112, 56]})
    found = inspect([write_rows([tiny.row(reward_model={"ground_truth": truth})])])
    assert found.histograms["area"].mean == 25
    assert found.histograms["aspect"].mean == pytest.approx(25 / 50)


def test_other_peoples_rows_are_counted_as_far_as_they_go(tiny, write_rows) -> None:
    row = tiny.row()
    del row["extra_info"]
    bad = {**row, "reward_model": {"ground_truth": "?"}}
    found = inspect([write_rows([row, bad, {**row, "images": [{"bytes": b"?", "min_pixels": 1, "max_pixels": 1}]}])])
    assert (found.rows, found.unreadable, found.splits) == (3, 2, {"(not given)": 3})
    shown = text_of(found.render())
    assert "2 rows cannot be read" in shown and "3 rows do not say their prompt tokens" in shown


def test_render_shows_the_largest_categories_and_counts_the_others(tiny, write_rows) -> None:
    rows = [tiny.row(index=n, extra_info={"category": f"c{n % 30:02}"}) for n in range(59)]
    shown = text_of(inspect([write_rows(rows)]).render())
    assert "category (30)" in shown and "c23" in shown and "c24" not in shown
    assert "6 more" in shown and "1 to 2 each" in shown
    assert "box area, percent of the picture" in shown


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        inspect([tmp_path / "none.parquet"])


@given(st.lists(st.floats(-10, 1e6)))
def test_every_value_is_in_exactly_one_bin(values: list[float]) -> None:
    edges = (0, 0.5, 10, 100)
    histogram = Histogram("x", edges)
    for value in values:
        histogram.add(value)
    inner = [
        sum(low <= value < high for value in values) for low, high in zip(edges[1:], (*edges[2:], 1e9), strict=True)
    ]
    assert histogram.counts == [sum(value < edges[1] for value in values), *inner]
    assert (histogram.minimum, histogram.maximum) == (min(values, default=None), max(values, default=None))


def test_bars_begin_at_the_first_filled_bin() -> None:
    histogram = Histogram("boxes", (0, 1, 2, 5, 10))
    for value in (1, 1, 5, 12):
        histogram.add(value)
    lines = text_of(histogram.render()).splitlines()
    assert [line.split("  ")[0] for line in (text.strip() for text in lines) if line] == [
        "boxes",
        "1 to 12, mean 4.75",
        "1",
        "2 to 5",
        "5 to 10",
        "10 and more",
    ]
