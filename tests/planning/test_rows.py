# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.planning.rows import check_rewarded


def write(path: Path, *kinds: tuple[str | None, str | None]) -> Path:
    rows = [{"ability": task, "extra_info": {"reward": reward, "index": 0}} for task, reward in kinds]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_rows_that_can_be_scored_pass(tmp_path: Path) -> None:
    mixed = write(
        tmp_path / "a.parquet", ("detection", None), ("classification", "accuracy_equal=1"), ("grounding", None)
    )
    check_rewarded([mixed, tmp_path / "absent.parquet", tmp_path / "a.json"], "robust")


@pytest.mark.parametrize(
    ("kinds", "reward", "message"),
    [
        (
            [("detection", None), ("classification", None)],
            "iou=1,format=0.5",
            "row 1: reward .* cannot score class",
        ),
        ([("detection", "accuracy_equal")], "robust", "row 0: reward 'accuracy_equal' cannot score detection"),
        (
            [("detection", None), ("segmentation", None)],
            "robust",
            "row 1: unknown task .*install the package",
        ),
        ([("detection", "robbust")], "robust", "row 0: unknown reward 'robbust'"),
    ],
)
def test_the_first_row_that_cannot_be_is_named(tmp_path: Path, kinds: list, reward: str, message: str) -> None:
    with pytest.raises(UserError, match=f"b.parquet, {message}"):
        check_rewarded([write(tmp_path / "b.parquet", *kinds)], reward)
