# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rewards of other packages, of single rows and of several tasks, in real training."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline import TWO_STEPS, failing, python_path

pytestmark = pytest.mark.e2e

UNSCORED = "a response could not be scored: row of coco (split train, index"


@pytest.mark.smoke
def test_an_installed_package_adds_a_reward_to_a_run_of_three_tasks(grpo):
    for component in ("robust", "counting", "robust.accuracy", "robust.giou", "robust.confidence"):
        assert grpo.log.series(f"reward/{component}/mean").steps == (1, 2), component
    assert any("counting" in name for name in grpo.log.by_step[2] if name.startswith("val-"))


@pytest.mark.long
def test_a_reward_that_never_returns_ends_the_run_with_its_traceback(tmp_path, data, failing_rewards):
    settings = ["visual_rft.reward=backtracks", "visual_rft.reward_timeout=5"]
    shown = failing(tmp_path, data, *TWO_STEPS, *settings, PYTHONPATH=python_path(failing_rewards))
    assert UNSCORED in shown
    assert "reward 'backtracks' did not return within 5 s" in shown
    assert "in backtracks" in (tmp_path / "log.txt").read_text()


@pytest.mark.long
def test_a_truth_that_cannot_be_read_ends_the_run_at_the_first_batch(tmp_path, data):
    rows = pq.read_table(data / "train.parquet")
    broken = [{"style": "rule", "ground_truth": '{"boxes": [[300, 350, 110, 160]]}'}] * len(rows)
    column = rows.schema.get_field_index("reward_model")
    (tmp_path / "data").mkdir()
    table = rows.set_column(column, rows.schema.field(column), pa.array(broken, rows.schema.field(column).type))
    pq.write_table(table, tmp_path / "data" / "train.parquet")
    (tmp_path / "data" / "val.parquet").symlink_to(data / "val.parquet")
    shown = failing(tmp_path / "run", tmp_path / "data", *TWO_STEPS)
    assert UNSCORED in shown
    assert "ground truth box [300, 350, 110, 160] is not valid" in shown
