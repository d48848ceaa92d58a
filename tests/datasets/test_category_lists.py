# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of category lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from verl_visual_rft.datasets.category_lists import (
    COCO_BASE65,
    COCO_FEWSHOT8,
    COCO_NOVEL15,
    LVIS_FEWSHOT6,
    LVIS_NOVEL13,
    MG5,
    parse_category_list,
    require_known,
)
from verl_visual_rft.errors import UserError


def test_coco_lists_have_the_papers_sizes_and_do_not_overlap() -> None:
    assert (len({*COCO_BASE65}), len({*COCO_NOVEL15}), len({*COCO_FEWSHOT8})) == (65, 15, 8)
    assert not {*COCO_BASE65} & {*COCO_NOVEL15}
    assert {*COCO_FEWSHOT8} <= {*COCO_BASE65, *COCO_NOVEL15}


def test_lvis_and_mg_lists_have_the_papers_sizes() -> None:
    assert (len({*LVIS_FEWSHOT6}), len({*LVIS_NOVEL13}), len({*MG5})) == (6, 13, 5)
    assert {*LVIS_FEWSHOT6} & {*LVIS_NOVEL13} == {"die", "kitchen_table", "omelet", "stepladder"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat", ("cat",)),
        ("hot dog, cat,", ("hot dog", "cat")),
        ("coco-fewshot8", COCO_FEWSHOT8),
        ("lvis-novel13", LVIS_NOVEL13),
    ],
)
def test_parse_category_list(text: str, expected: tuple[str, ...]) -> None:
    assert parse_category_list(text) == expected


def test_a_file_may_hold_names_with_commas(tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("bun, with sausage\n\ncafé\n", encoding="utf-8")
    assert parse_category_list(f"@{names}") == ("bun, with sausage", "café")


@pytest.mark.parametrize(
    ("text", "message"), [(" , ", "names no category"), ("cat,dog,cat", "'cat' more than once"), ("@gone", "gone")]
)
def test_bad_lists_are_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_category_list(text)


def test_unknown_names_come_with_near_matches() -> None:
    with pytest.raises(UserError, match=r"a\.json(.|\n)*'hotdog': did you mean 'hot dog'\?(.|\n)*'zzz'"):
        require_known(["cat", "hotdog", "zzz"], ["cat", "hot dog"], "a.json")


def test_a_hundred_thousand_names_are_compared_at_once() -> None:
    """Each of these took minutes: a look through the list, or for what is near, for every name."""
    names = [f"name {number}" for number in range(100_000)]
    require_known(names, names, "a.json")
    assert len(parse_category_list(",".join(names))) == len(names)
    with pytest.raises(UserError, match=r"a.json has no such categories:\n(.*\n){10}  ... and 99990 more") as caught:
        require_known([f"other {number}" for number in range(100_000)], names, "a.json")
    assert len(str(caught.value)) < 2000
