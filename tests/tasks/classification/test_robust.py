# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from verl_visual_rft.rewards import score

LABELS = ["rose", "primrose", "petunia", "mexican petunia", "737-200"]
SEVERAL = ["rose or primrose", "primrose, petunia, mexican petunia, rose"]
LISTS = ["rose\u2060tulip\u2060daisy", "rose \u2060 tulip", "rose\u200b, tulip", "rose\u3164tulip", "rose\u034ftulip"]
LISTS += ["rose<!-- tulip, daisy -->", "rose--tulip", "rose, tul\u0456p, d\u0430isy", "r\u043ese", "rose\ntulip"]
LISTS += ["rose, tulip, daisy, lily or violet", "not a tulip but a rose", ("rose tulip daisy lily violet " * 9)[:200]]


@pytest.mark.parametrize("answer", LISTS)
def test_without_a_closed_set_no_list_is_the_label_however_it_is_written(answer: str) -> None:
    assert_classified(answer, accuracy=0, form=1, labels=[])


@pytest.mark.parametrize(
    ("answer", "accuracy", "form"),
    [
        ("rose", 1, 1),
        (" A Rose. ", 1, 1),
        ("primrose", 0, 1),
        ("", 0, 0),
        ("o", 0, 1),
        ("tulip", 0, 1),
        ("rosa", 1, 1),
        ("*Rose*", 1, 1),
        ("ro\u200bse", 1, 1),
    ],
)
@pytest.mark.parametrize("labels", [LABELS, []], ids=["closed set", "no closed set"])
def test_classification(answer: str, accuracy: float, form: float, labels: list[str]) -> None:
    assert_classified(answer, accuracy, form, labels)


def test_a_sentence_with_the_name_is_right_only_where_the_other_classes_are_known() -> None:
    assert_classified("it is a rosa", accuracy=1, form=1, labels=LABELS)
    assert_classified("it is a rosa", accuracy=0, form=1, labels=[])


@pytest.mark.parametrize("labels", [LABELS, []], ids=["closed set", "no closed set"])
@pytest.mark.parametrize("answer", SEVERAL)
def test_several_names_are_wrong_even_if_one_is_right(answer: str, labels: list[str]) -> None:
    assert_classified(answer, accuracy=0, form=1, labels=labels)


def assert_classified(answer: str, accuracy: float, form: float, labels: list[str]) -> None:
    truth = {"label": "rose", "aliases": {"rose": ["rosa"]}} | ({"labels": labels} if labels else {})
    result = score("classification", f"<think> pink </think> <answer>{answer}</answer>", truth, "robust")
    assert (result["accuracy"], result["format"]) == (accuracy, form)
    assert result["score"] == 2 * accuracy + 0.5 * form
