# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Sample rollouts in the loggers themselves, where they are installed."""

import json

import numpy as np
import pytest
from sample_rows import RESPONSE, SIZE, make_row, reward_info

from verl_visual_rft.training.monitoring.loggers import draw, show_samples
from verl_visual_rft.training.monitoring.page import render_page
from verl_visual_rft.training.monitoring.samples import make_rollout

TRUTH, ANSWER = (31, 209, 142), (255, 159, 28)


@pytest.fixture
def rollouts():
    row = make_row(2, truth={"boxes": [[0, 0, 400, 400]]})
    return [make_rollout(2, row, text, reward_info(row, text), 10, 48) for text in (RESPONSE, "<answer># [x](y)")]


@pytest.fixture
def page(tmp_path, rollouts):
    path = tmp_path / "step_000007.html"
    path.write_text(render_page(7, rollouts), encoding="utf-8")
    return path


def test_the_console_gets_the_path(page, rollouts, capsys):
    show_samples({"console": None, "file": None}, 7, page, rollouts)
    assert capsys.readouterr().out == f"visual-rft: step 7: 2 responses in {page}\n"


def test_other_loggers_get_nothing(page, rollouts, capsys):
    show_samples({"file": None, "mlflow": None}, 7, page, rollouts)
    assert capsys.readouterr().out == ""


def test_boxes_are_drawn_where_they_are(rollouts):
    image = draw(rollouts[0])
    assert image.size == SIZE
    pixels = np.asarray(image).astype(int)
    for (x, y), colour in {(0, 10): TRUTH, (10, 0): TRUTH, (32, 30): ANSWER, (50, 36): ANSWER}.items():
        assert np.abs(pixels[y, x] - colour).max() < 10


def test_any_label_is_drawn_beside_its_box():
    label, row = "a\\n\\ud800 cup", make_row(0, "labelled_detection", {"objects": [], "categories": ["cup"]})
    text = f'<answer>[{{"bbox_2d": [700, 500, 900, 900], "label": "{label}"}}]</answer>'
    shown = make_rollout(0, row, text, reward_info(row, text), 10, 48)
    assert [mark.anchor for mark in shown.marks] == ["end"]
    assert np.asarray(draw(shown)).shape == (*SIZE[::-1], 3)


def test_tensorboard_gets_pictures_and_text(tmp_path, page, rollouts):
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    class Adapter:  # as veRL's: verl 0.9.1 utils/tracking.py:551
        writer = tensorboard.SummaryWriter(str(tmp_path / "tb"))

    show_samples({"tensorboard": Adapter}, 7, page, rollouts)
    Adapter.writer.close()
    events = EventAccumulator(str(tmp_path / "tb"))
    events.Reload()
    (image,) = events.Images("samples/0")
    assert (image.step, image.width, image.height) == (7, *SIZE)
    (text,) = events.Tensors("samples/1/text_summary")
    assert b"    <answer># [x](y)" in text.tensor_proto.string_val[0]


def test_wandb_gets_the_page(tmp_path, page, rollouts, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    wandb.init(project="visual_rft", dir=str(tmp_path))
    show_samples({"wandb": wandb}, 7, page, rollouts)
    wandb.log({"reward/score/mean": 1.0}, step=7)  # the step's numbers come after it
    folder = wandb.run.dir
    wandb.finish()
    (logged,) = (path for path in tmp_path.rglob("*.html") if path != page and folder in str(path))
    assert "2 responses" in logged.read_text(encoding="utf-8")


def test_trackio_gets_the_page(tmp_path, page, rollouts, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    trackio = pytest.importorskip("trackio")
    run = trackio.init(project="visual_rft", name="samples", embed=False, auto_log_gpu=False, auto_log_cpu=False)
    show_samples({"trackio": object()}, 7, page, rollouts)
    run.finish()
    logged = [
        path for path in (tmp_path / "trackio").rglob("*") if path.is_file() and b"2 responses" in path.read_bytes()
    ]
    assert logged, json.dumps([str(path) for path in tmp_path.rglob("*")])
