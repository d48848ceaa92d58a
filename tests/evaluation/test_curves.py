# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.curves import BLUE, GREEN, draw_curves
from verl_visual_rft.evaluation.training_log import TrainingLog


def _pixels_of(picture: Image.Image, colour: str) -> np.ndarray:
    wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return (np.abs(np.asarray(picture.convert("RGB")).astype(int) - wanted).max(axis=2) < 8).nonzero()


def test_reward_and_iou_are_on_one_page(tmp_path):
    log = TrainingLog(
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
    out = tmp_path / "curves.png"
    draw_curves(log, out)
    picture = Image.open(out)
    assert picture.size == (1650, 1200)
    upper, left = picture.height / 2, picture.width / 2
    rows, columns = _pixels_of(picture, BLUE)
    assert ((rows < upper) & (columns < left)).sum() > 1000, "reward: upper left"
    rows, columns = _pixels_of(picture, GREEN)
    assert ((rows < upper) & (columns > left)).sum() > 1000, "IoU: upper right"
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_one_step_and_nothing_but_the_reward(tmp_path):
    draw_curves(TrainingLog({1: {"reward/score/mean": 1.0}}, 0), tmp_path / "curves.png")
    assert Image.open(tmp_path / "curves.png").size == (1650, 1200)


def test_log_without_reward(tmp_path):
    with pytest.raises(UserError, match="reward/score/mean"):
        draw_curves(TrainingLog({1: {"actor/kl_loss": 1.0}}, 0), tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
