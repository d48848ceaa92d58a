# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.report import curves
from verl_visual_rft.evaluation.report.curves import BLUE, GREEN, draw_curves, report_curves
from verl_visual_rft.evaluation.training_log import TrainingLog

LOG = TrainingLog(
    {
        step: {
            "reward/score/mean": step / 10,
            "reward/score/std": 0.1,
            "reward/iou/mean": 0.5 - step / 100,
            "val-aux/shapes/iou/mean@1": 0.4,
        }
        for step in range(1, 31)
    },
    cut_lines=0,
)


def _pixels_of(picture: Image.Image, colour: str) -> tuple[np.ndarray, ...]:
    wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return (np.abs(np.asarray(picture.convert("RGB")).astype(int) - wanted).max(axis=2) < 8).nonzero()


def test_reward_and_iou_are_on_one_page(tmp_path):
    out = tmp_path / "curves.png"
    draw_curves(LOG, out)
    picture = Image.open(out)
    assert picture.size == (1650, 1200)
    upper, left = picture.height / 2, picture.width / 2
    rows, columns = _pixels_of(picture, BLUE)
    assert ((rows < upper) & (columns < left)).sum() > 1000, "reward: upper left"
    rows, columns = _pixels_of(picture, GREEN)
    assert ((rows < upper) & (columns > left)).sum() > 1000, "IoU: upper right"
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_one_step_and_nothing_but_the_reward(tmp_path):
    log = TrainingLog({1: {"reward/score/mean": 1.0}}, 0)
    draw_curves(log, tmp_path / "curves.png")
    assert Image.open(tmp_path / "curves.png").size == (1650, 1200)
    assert [curve.title for curve in report_curves(log)] == ["Training reward"]


def test_log_without_reward(tmp_path):
    log = TrainingLog({1: {"actor/kl_loss": 1.0}}, 0)
    with pytest.raises(UserError, match="reward/score/mean"):
        draw_curves(log, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
    assert [curve.title for curve in report_curves(log)] == ["KL to the reference policy"]


def test_a_picture_a_curve_for_the_report():
    curves = report_curves(LOG)
    assert [curve.title for curve in curves] == ["Training reward", "Reward component: iou"]
    drawings = [ElementTree.fromstring(b64decode(c.uri.removeprefix("data:image/svg+xml;base64,"))) for c in curves]
    texts = [{text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")} for drawing in drawings]
    assert texts[0] >= {"Training reward", "± 1 sd of rollouts", "GRPO step"}
    assert texts[1] >= {"Reward component: iou", "validation (shapes)"}
    assert report_curves(LOG) == curves, "the same log gives the same bytes"


@pytest.mark.parametrize(
    ("component", "metric", "title"),
    [
        ("iou", "ap", "AP on validation, coco (%)"),
        ("accuracy", "accuracy", "Accuracy on validation, coco (%)"),
        ("giou", "miou", "Mean IoU on validation, coco (%)"),
    ],
)
def test_the_metric_of_the_task_is_a_curve_of_each_source(tmp_path, monkeypatch, component, metric, title):
    by_step = {
        step: {"reward/score/mean": 1.0, f"reward/{component}/mean": 0.5}
        | ({f"val/coco/{metric}": 40.0} if step % 10 == 0 else {})
        for step in range(1, 31)
    }
    log = TrainingLog(by_step, 0)
    (curve,) = (curve for curve in report_curves(log) if curve.title == title)
    assert curve.text.endswith("40 at step 10, 40 at step 30")
    missing = []
    monkeypatch.setattr(curves, "_say_missing", lambda axes: missing.append(axes.get_title(loc="left")))
    draw_curves(log, tmp_path / "curves.png")
    assert missing == ["KL to the reference policy", "Response length (tokens)"]
