# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a person sees of a real run."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline import run, train

from verl_visual_rft.answers import Outcome
from verl_visual_rft.evaluation.training_log import TrainingLog

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def grounding(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """The prepared rows as questions for one box: then the mean IoU does not depend on the order of the responses."""
    folder = tmp_path_factory.mktemp("grounding")
    for name in ("train", "val"):
        rows = pq.read_table(data / f"{name}.parquet").to_pylist()
        truths = [json.loads(row["reward_model"]["ground_truth"])["boxes"] for row in rows]
        kept = [(row, boxes[0]) for row, boxes in zip(rows, truths, strict=True) if boxes]
        for row, box in kept:
            row["ability"] = "grounding"
            row["reward_model"]["ground_truth"] = json.dumps({"box": box})
        pq.write_table(pa.Table.from_pylist([row for row, _ in kept]), folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seen")


@pytest.fixture(scope="module")
def log(folder: Path, grounding: Path) -> TrainingLog:
    return train(
        *[folder, grounding, "trainer.total_training_steps=2", "trainer.save_freq=-1", "trainer.test_freq=2"],
        *["trainer.val_before_train=true", "visual_rft.samples={count: 2, every: 1}"],
        "trainer.logger=[console,file,tensorboard]",
        TENSORBOARD_DIR=str(folder / "tensorboard"),
    )


def test_validation_has_the_metric_of_the_task_that_the_rewards_own_iou_confirms(log):
    miou, iou = log.task_metric("miou")["coco"], log.validation("iou")["coco"]
    assert miou.steps == iou.steps == (0, 2)
    assert miou.values == pytest.approx([100 * value for value in iou.values])
    assert log.task_metric("missing")["coco"].values == (0.0, 0.0)


def test_every_step_has_parse_outcomes_and_truncation(log):
    for step in (1, 2):
        shares = [log.by_step[step][f"parse/{outcome.value}"] for outcome in Outcome]
        assert sum(shares) == pytest.approx(1)
        assert 0 <= log.by_step[step]["response/truncated"] <= 1
        assert log.by_step[step]["training/total_steps"] == 2
        assert log.by_step[step]["rollout/missing_sessions"] == 0


def test_sample_rollouts_show_pictures_and_answers(log, folder):
    pages = sorted((folder / "samples").iterdir())
    assert [page.name for page in pages] == ["step_000001.html", "step_000002.html"]
    printed = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
    for step, page in enumerate(pages, start=1):
        text = page.read_text(encoding="utf-8")
        assert text.count("<article") == text.count("data:image/webp") == 2
        assert text.count('rect class="truth"') == 2
        assert f"visual-rft: step {step}: 2 responses in {page}" in printed


def test_tensorboard_has_the_pictures(log, folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    assert [image.step for image in events.Images("samples/0")] == [1, 2]


def test_the_terminal_view_reads_a_finished_run(log, folder):
    main = "import sys; from verl_visual_rft.cli import main; sys.exit(main())"
    shown = run(sys.executable, "-c", main, "watch", str(folder), "--once", COLUMNS="200")
    assert "step 2 of 2" in shown and "finished" in shown
    for words in ("miou coco", "well formed", "groups without variance", "update_actor"):
        assert words in shown
