# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`paper` and `reference` against the worked cases: by hand from the paper, and by running the published code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from verl_visual_rft.rewards import score
from verl_visual_rft.rewards.brought import ReferenceReward
from verl_visual_rft.tasks import read_truth

CASE_FILE = Path(__file__).parents[1] / "cases" / "reward_cases.json"
ROUNDED = 1e-6  # the file gives six decimals

#: Where the paper leaves iou and confidence open (null), or would pay a confidence outside [0, 1]: ours.
DEFINED_BY_US = {
    # No objects in truth and answer; none in truth; none in the answer.
    "det_no_objects_true_negative": (1, 1),
    "det_no_objects_gt_but_boxes": (0, 0.1),
    "det_no_objects_gt_low_conf_box": (0, 1),
    "det_no_objects_false_negative": (0, 0),
    "det_empty_list": (0, 0),
    "det_y1_plain_text": (0, 0),
    # A confidence that is not valid earns 0 for its box.
    "det_conf_nan": (0.9025, 0),
    "det_conf_infinity_hit": (0.9025, 0),
    "det_conf_missing": (0.9025, 0),
    "det_conf_100_hit": (0.9025, 0),
    "det_conf_100_hit_plus_spam": (0.9025 / 3, 0.2 / 3),
    "det_conf_100_miss": (0, 0),
    # A box that is not valid is a miss.
    "det_three_coords": (0, 0.1),
    "det_bad_box_compared_kills_all": (0.9025 / 2, 0.7),
    # What the parser repairs.
    "det_truncated_bare": (0.9025, 0.9),
    "det_ellipsis_copied": (0.9025, 0.9),
    "det_prose_around_list": (0.9025, 0.9),
    "det_think_mentions_answer_tag": (0.9025, 0.9),
    "det_lowercase_keys": (0.9025, 0.9),
}


CASES = json.loads(CASE_FILE.read_text(encoding="utf-8"))
every_case = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


@every_case
def test_paper(case: dict[str, Any]) -> None:
    expected = dict(case["paper"])
    if case["name"] in DEFINED_BY_US:
        expected["iou"], expected["confidence"] = DEFINED_BY_US[case["name"]]
        expected["total"] = sum(expected[name] for name in ("iou", "confidence", "format"))
    result = score(case["task"], case["response"], case["ground_truth"], "paper")
    expected["score"] = expected.pop("total")
    assert {name: result[name] for name in expected} == pytest.approx(expected, abs=ROUNDED)


def test_ours_to_define_is_what_the_paper_leaves_open() -> None:
    undefined = {case["name"] for case in CASES if None in case["paper"].values()}
    out_of_range = {case["name"] for case in CASES if not 0 <= (case["paper"].get("confidence") or 0) <= 1}
    assert set(DEFINED_BY_US) == undefined | out_of_range


@every_case
@pytest.mark.parametrize("symbolic_check", [True, False])
def test_reference(case: dict[str, Any], symbolic_check: bool) -> None:
    expected = dict(case["repo" if symbolic_check else "repo_without_symbolic_check"])
    is_nan = "NaN" in expected.values()
    if is_nan:  # ours gives 0 there
        expected = {name: 0.0 if value == "NaN" else value for name, value in expected.items()}
        expected["total"] = sum(value for name, value in expected.items() if name != "total")
    truth = read_truth(case["task"], case["ground_truth"])
    result = getattr(ReferenceReward(symbolic_check), case["task"])(case["response"], truth)
    expected["score"] = expected.pop("total")
    expected |= {"nan": float(is_nan)} if "nan" in result else {}
    assert result == pytest.approx(expected, abs=ROUNDED)
