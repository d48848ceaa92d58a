# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's tables are as printed: their own arithmetic finds what was typed wrongly."""

from __future__ import annotations

from statistics import fmean

import pytest

from verl_visual_rft.datasets.category_lists import COCO_FEWSHOT8, LVIS_FEWSHOT6, LVIS_NOVEL13, MG5
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.tables import paper_table

# The rows "∆" of the paper: + Visual-RFT minus base.
DIFFERENCES = {
    (2, "2b", 1): "+24.3 +16.0 +17.7 +26.6 +37.0",
    (2, "2b", 2): "+27.5 +21.0 +21.1 +29.4 +38.6",
    (2, "2b", 4): "+25.9 +16.6 +19.7 +28.9 +38.5",
    (2, "2b", 8): "+29.1 +22.9 +23.8 +30.0 +39.7",
    (2, "2b", 16): "+29.3 +24.4 +20.7 +33.5 +38.5",
    (3, "2b", 1): "+14.0 +4.4 +19.9 +13.3 +5.4 +24.4 +19.3 +4.9 +21.0",
    (3, "2b", 2): "+21.9 +9.8 +23.8 +12.4 +29.6 +33.9 +29.5 +11.3 +25.1",
    (3, "2b", 4): "+21.0 +11.0 +24.8 +19.9 +16.6 +31.0 +21.7 +10.0 +33.3",
    (3, "2b", 8): "+27.8 +17.2 +32.1 +24.6 +29.3 +35.3 +33.8 +15.8 +34.2",
    (3, "2b", 16): "+27.2 +17.2 +28.6 +25.6 +30.1 +36.7 +33.0 +13.0 +33.6",
    (3, "7b", 4): "+11.3 +9.3 +16.5 +14.9 +9.3 +15.4 +12.5 +4.5 +7.9",
    (4, "2b", None): "+15.4 +6.2 +18.4 +29.2 +15.7 +13.0 +10.9",
    (4, "7b", None): "+18.4 +6.5 +5.9 +56.1 +5.4 +2.7 +29.3",
    (5, "2b", 4): "+41.2 +51.0 +33.4 +44.7 +46.1 +31.1",
    (5, "2b", 16): "+42.8 +47.0 +56.4 +50.8 +53.3 +31.7",
    (6, "2b", None): "+10.7 +4.3 +9.1",
    (6, "7b", None): "+3.5 +1.9 +5.6",
    (7, "2b", None): "+21.5 +14.6 +15.9",
    (7, "7b", None): "+9.5 +7.9 +8.2",
    (8, "2b", None): "+18.0 +22.9 +22.2 +2.0 +13.6 +27.7 +10.2 +14.4 +32.4 +10.9 +18.0 +3.9 +6.0 +40.2",
    (8, "7b", None): "+14.7 +16.0 +5.9 +3.6 +17.3 +2.1 +15.9 +6.9 +56.1 +4.8 +5.4 +1.9 +29.3 +26.0",
}
# Where the printed difference is not that of the printed rows.
SLIPS = {
    (4, "2b", None): {"kitchen table"},
    (5, "2b", 16): {"feline-or-canid"},
    (6, "7b", None): {"gIoU test"},
}
# Where the printed mAP is not the mean of the printed categories, by more than rounding: off by 0.7 in both.
OTHER_MEANS = {(4, "7b", "rft"), (8, "2b", "rft")}


@pytest.mark.parametrize(("setting", "printed"), DIFFERENCES.items())
def test_printed_differences_are_those_of_the_rows(setting, printed):
    number, model, shots = setting
    table = paper_table(number)
    base, rft = table.values(model, "base", shots), table.values(model, "rft", shots)
    wrong = {
        column.name
        for column, low, high, difference in zip(table.columns, base, rft, printed.split(), strict=True)
        if abs(high - low - float(difference)) > 0.051
    }
    assert wrong == SLIPS.get(setting, set())


@pytest.mark.parametrize("number", [2, 3, 4, 5, 8])
def test_means_are_those_of_the_columns(number):
    table = paper_table(number)
    assert [column.mean for column in table.columns] == [True] + [False] * (len(table.columns) - 1)
    wrong = {
        (number, row.model, row.method) for row in table.rows if abs(fmean(row.values[1:]) - row.values[0]) > 0.0701
    }
    assert wrong == {key for key in OTHER_MEANS if key[0] == number}


def test_every_tuned_row_has_its_difference_and_each_row_all_columns():
    tables = {number: paper_table(number) for number in range(2, 9)}
    assert {(n, row.model, row.shots) for n, table in tables.items() for row in table.rows if row.method == "rft"} == {
        *DIFFERENCES
    }
    assert all(len(row.values) == len(table.columns) for table in tables.values() for row in table.rows)
    assert all({"base", "sft", "rft"} <= {row.method for row in table.rows} for table in tables.values())


@pytest.mark.parametrize(("number", "names"), [(3, COCO_FEWSHOT8), (4, LVIS_FEWSHOT6), (5, MG5), (8, LVIS_NOVEL13)])
def test_categories_are_those_that_the_data_are_prepared_with(number, names):
    assert tuple(column.category for column in paper_table(number).columns if not column.mean) == names


@pytest.mark.parametrize(("number", "expected"), [(1, "table 1 of results; choose one of 2, 3"), (9, "table 9")])
def test_tables_that_the_paper_does_not_have(number, expected):
    with pytest.raises(UserError, match=expected):
        paper_table(number)


@pytest.mark.parametrize(
    ("number", "model", "shots", "expected"),
    [(3, "7b", 2, "7b with 2 shots; it has --paper-model 2b --shots 1"), (2, "2b", None, "no row of 2b; it has")],
)
def test_settings_that_the_paper_does_not_have(number, model, shots, expected):
    with pytest.raises(UserError, match=expected):
        paper_table(number).require_setting(model, shots)
