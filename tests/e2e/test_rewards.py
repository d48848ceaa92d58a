# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rewards of other packages, of single rows and of several tasks, in real training."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline import ROOT, run, train

from verl_visual_rft.rewards.registry import GROUP

pytestmark = pytest.mark.e2e

TWO_STEPS = ["trainer.total_training_steps=2", "trainer.save_freq=-1", "trainer.test_freq=-1"]
# One fails on the third response, as a reward does that was tried on two.
FAILING = '''
import re
calls = 0

def raises(response, extra_info):
    """Raises on one response in three."""
    global calls
    calls += 1
    if calls % 3 == 0:
        raise KeyError("no such colour")
    return 0.25

def backtracks(response):
    """Never returns, and holds the interpreter's lock."""
    return float(bool(re.match(r"(a+)+$", "a" * 60 + "b")))
'''


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("failing")
    (folder / "failing_rewards.py").write_text(FAILING)
    metadata = folder / "failing_rewards-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: failing-rewards\nVersion: 1.0\n")
    names = "".join(f"{name} = failing_rewards:{name}\n" for name in ("raises", "backtracks"))
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{names}")
    return folder


def with_other_tasks(data: Path, out: Path) -> Path:
    """Copy prepared rows: every third asks for a class, every third for one box, and the first names its reward."""
    out.mkdir()
    for name in ("train", "val"):
        rows = [row for row in pq.read_table(data / f"{name}.parquet").to_pylist() if boxes_of(row)]
        for number, row in enumerate(rows):
            row["extra_info"]["reward"] = "paper" if number == 0 else None
            if number % 3 == 1:
                row["ability"] = "classification"
                row["reward_model"]["ground_truth"] = json.dumps({"label": row["extra_info"]["category"]})
            elif number % 3 == 2:
                row["ability"] = "grounding"
                row["reward_model"]["ground_truth"] = json.dumps({"box": boxes_of(row)[0]})
        pq.write_table(pa.Table.from_pylist(rows), out / f"{name}.parquet")
    return out


def boxes_of(row: dict) -> list:
    return json.loads(row["reward_model"]["ground_truth"])["boxes"]


def test_an_installed_package_adds_a_reward_to_a_run_of_three_tasks(tmp_path, data):
    installed = tmp_path / "installed"
    run(
        *[sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--target", str(installed)],
        str(ROOT / "examples" / "counting_reward"),
    )
    log = train(
        tmp_path / "run",
        with_other_tasks(data, tmp_path / "mixed"),
        *TWO_STEPS,
        "trainer.test_freq=2",
        "visual_rft.reward='robust=1,counting=0.5'",
        PYTHONPATH=str(installed),
    )
    assert log.series("reward/robust/mean").steps == (1, 2)
    # Of components that only one task has: that task's rows came up in one of the steps.
    for component in ("counting", "robust.accuracy", "robust.giou", "robust.confidence"):
        assert log.series(f"reward/{component}/mean").steps, component
    assert log.series("rollout/missing_sessions").values == (0.0, 0.0)
    assert any("counting" in name for name in log.by_step[2] if name.startswith("val-"))


def test_a_reward_that_never_returns_ends_the_run_with_its_traceback(tmp_path, data, failing):
    with pytest.raises(AssertionError) as ended:
        train(
            *[tmp_path, data, *TWO_STEPS, "visual_rft.reward=backtracks", "visual_rft.reward_timeout=5"],
            PYTHONPATH=str(failing),
        )
    shown = " ".join(str(ended.value).split())  # a narrow terminal breaks lines
    assert "a response could not be scored: row of coco (split train, index" in shown
    assert "reward 'backtracks' did not return within 5 s" in shown
    assert "in backtracks" in (tmp_path / "log.txt").read_text()


def test_a_failing_reward_is_a_counted_zero_where_the_user_chose_so(tmp_path, data, failing):
    log = train(
        *[tmp_path, data, *TWO_STEPS, "visual_rft.reward=raises", "visual_rft.on_reward_error=zero"],
        PYTHONPATH=str(failing),
    )
    assert "scored 0: row of coco" in (tmp_path / "log.txt").read_text()
    failed, score = log.series("reward/failed/mean").values, log.series("reward/score/mean").values
    assert all(0 < share < 1 for share in failed)
    assert score == pytest.approx([0.25 * (1 - share) for share in failed])


def test_a_truth_that_cannot_be_read_ends_the_run_at_the_first_batch(tmp_path, data):
    rows = pq.read_table(data / "train.parquet")
    broken = [{"style": "rule", "ground_truth": '{"boxes": [[300, 350, 110, 160]]}'}] * len(rows)
    column = rows.schema.get_field_index("reward_model")
    (tmp_path / "data").mkdir()
    table = rows.set_column(column, rows.schema.field(column), pa.array(broken, rows.schema.field(column).type))
    pq.write_table(table, tmp_path / "data" / "train.parquet")
    (tmp_path / "data" / "val.parquet").symlink_to(data / "val.parquet")
    with pytest.raises(AssertionError) as ended:
        train(tmp_path / "run", tmp_path / "data", *TWO_STEPS)
    shown = " ".join(str(ended.value).split())
    assert "a response could not be scored: row of coco (split train, index" in shown
    assert "ground truth box [300, 350, 110, 160] is not valid" in shown
