# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a person sees of a real run."""

import json
import sys

import pyarrow.parquet as pq
import pytest
from pipeline import run

from verl_visual_rft.answers import Outcome

pytestmark = [pytest.mark.e2e, pytest.mark.smoke]


def test_validation_has_the_metric_of_the_task_that_the_rewards_own_iou_confirms(grpo):
    """Of questions for one box: then the mean IoU does not depend on the order of the responses."""
    miou, iou = grpo.log.task_metric("miou")["boxes"], grpo.log.validation("robust.iou")["boxes"]
    assert miou.steps == iou.steps == (0, 2)
    assert miou.values == pytest.approx([100 * value for value in iou.values])
    assert max(miou.values) > 0
    for source in ("coco", "classes", "boxes"):
        assert grpo.log.task_metric("missing")[source].values == (0.0, 0.0), source


def test_every_step_has_parse_outcomes_and_truncation(grpo):
    for step in (1, 2):
        shares = [grpo.log.by_step[step][f"parse/{outcome.value}"] for outcome in Outcome]
        assert sum(shares) == pytest.approx(1)
        assert 0 <= grpo.log.by_step[step]["response/truncated"] <= 1
        assert grpo.log.by_step[step]["training/total_steps"] == 2
        assert grpo.log.by_step[step]["rollout/missing_sessions"] == 0


def test_sample_rollouts_show_pictures_and_answers(grpo):
    pages = sorted((grpo.folder / "samples").iterdir())
    assert [page.name for page in pages] == ["step_000001.html", "step_000002.html"]
    printed = (grpo.folder / "log.txt").read_text(encoding="utf-8", errors="replace")
    rows = pq.read_table(grpo.data / "train.parquet").to_pylist()
    truths = [json.loads(row["reward_model"]["ground_truth"]) for row in rows]
    for step, page in enumerate(pages, start=1):
        text = page.read_text(encoding="utf-8")
        assert text.count("<article") == text.count("data:image/webp") == 4  # a response to each prompt of the step
        boxes = sum(len(truth.get("boxes", [])) + ("box" in truth) for truth in truths[4 * step - 4 : 4 * step])
        assert text.count('path class="truth"') == boxes > 0
        assert f"visual-rft: step {step}: 4 responses in {page}" in printed


def test_tensorboard_has_the_pictures(grpo):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(grpo.folder / "tensorboard"))
    events.Reload()
    assert [image.step for image in events.Images("samples/0")] == [1, 2]


def test_the_terminal_view_reads_a_finished_run(grpo):
    main = "import sys; from verl_visual_rft.cli import main; sys.exit(main())"
    shown = run(sys.executable, "-c", main, "watch", str(grpo.folder), "--once", COLUMNS="200")
    assert "step 2 of 2" in shown and "finished" in shown
    for words in ("miou boxes", "well formed", "groups without variance", "update_actor"):
        assert words in shown
