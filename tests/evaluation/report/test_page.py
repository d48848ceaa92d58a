# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the page's HTML holds; how a browser shows it is in test_browser.py."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from html.parser import HTMLParser

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.evaluate import evaluate
from verl_visual_rft.evaluation.predictions import read_predictions
from verl_visual_rft.evaluation.training_log import TrainingLog


class Page(HTMLParser):
    """Tags with their attributes, and text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_self_contained_and_every_link_leads_somewhere(build):
    result = build()
    html = result.out.read_text()
    page = Page(html)
    assert (result.questions, result.size) == (4, result.out.stat().st_size)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [value for _, attributes in page.tags for key, value in attributes.items() if key in ("href", "src")]
    assert len(targets) > 10
    for target in targets:
        assert target.startswith("data:") or target.removeprefix("#") in ids, target[:60]
    (script,) = re.findall("<script>(.*?)</script>", html, re.DOTALL)
    assert f"script-src 'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in html


def test_model_output_is_text(build, run):
    page = Page(build().out.read_text())
    (hostile, *_) = read_predictions(run / "eval" / "base" / "predictions.jsonl")
    assert hostile.response in page.text
    assert len(page.all("script")) == 1


def test_a_picture_that_several_questions_show_is_embedded_once(build):
    html = build().out.read_text()
    assert len(re.findall("data:image/webp", html)) == 3  # of four questions, the first two about one picture
    assert len(Page(html).all("use")) == 4 * 3


def test_figures_are_those_of_the_metrics(build, run):
    text = " ".join(Page(build().out.read_text()).text)
    metrics = json.loads((run / "eval" / "sft" / "metrics.json").read_text())
    low, high = metrics["intervals"]["reward"].values()
    assert f"{metrics['reward']:.2f}\n({low:.2f} to {high:.2f})" in text
    assert "Better: 3 of 3" in text and "Unchanged: 1 of 1" in text and "Worse" not in text
    assert "0.55 over the first ten GRPO steps, 1.55 over the last ten" in text
    for category in ("red square", "blue disc", "red disc"):
        assert category in text


def test_warnings_of_the_evaluation_are_shown(build, run):
    path = run / "eval" / "base" / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"warnings": ["looks like <pixels>"]}))
    page = Page(build().out.read_text())
    assert any("looks like <pixels>" in text for text in page.text)


def test_curves_have_a_text(build):
    calibration, *texts = [attributes["alt"] for attributes in Page(build().out.read_text()).all("img")]
    assert calibration.startswith("Precision by confidence; expected calibration error: + SFT")
    assert texts == [
        "Training reward: 0.1 at step 1, 2 at step 20",
        "Reward component: iou: 0.5 at step 1, 0.5 at step 20",
        "KL to the reference policy: 0.01 at step 1, 0.2 at step 20",
        "Response length (tokens): 20 at step 1, 20 at step 20",
        "Share of groups without variance: 0.25 at step 1, 0.25 at step 20",
    ]


def test_nothing_trained(build):
    page = Page(build(log=TrainingLog({}, 0)).out.read_text())
    assert "Training" not in "".join(page.text)


def test_same_run_gives_the_same_bytes(build):
    assert build().out.read_bytes() == build().out.read_bytes()


def test_answers_of_an_existence_stage(build, run):
    path = run / "eval" / "rft" / "predictions.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    with pytest.raises(UserError, match="differ in 1 questions"):
        build()
    meta = run / "eval" / "rft" / "predictions.meta.json"
    meta.write_text(
        json.dumps({"existence": {"mode": "self", "questions": 4, "asked": 3, "precision": 1.0, "recall": 1.0}})
    )
    result = build()
    assert result.questions == 3
    assert "1 questions are left out because the existence stage" in result.out.read_text()


def test_sections_of_other_tasks_are_left_out(build):
    text = "".join(Page(build().out.read_text()).text)
    assert "Calibration" in text and "AP of each category" in text and "ground truth (dashed)" in text
    assert "Existence stage" not in text and "most often confused" not in text and "Answered:" not in text


def test_existence_stage_behind_which_ap_was_measured(build, run):
    folder = run / "eval" / "rft"
    evaluate(folder / "predictions.jsonl", run / "data", "robust", existence=["oracle"]).write(folder / "metrics.json")
    text = "".join(Page(build().out.read_text()).text)
    assert "Existence stage" in text and "+ Visual-RFT: oracle" in text and "100.0 of 100.0" in text
