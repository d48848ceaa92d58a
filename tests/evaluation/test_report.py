# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from PIL import Image

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.report import build_report

HOSTILE = "<think> </pre><script>alert(1)</script> & <img src=x onerror=alert(2)> </think> <answer>{{ 7 * 7 }}</answer>"


class Page(HTMLParser):
    """What a browser would see: tags, ids, links and text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.ids, self.targets, self.text = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.targets += [value for key, value in attrs if key in ("href", "src")]

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def report(prepared, write_predictions, perfect, answer, tmp_path):
    figures = {
        "map_novel": None,
        "map_base": 50.0,
        "map_all": 50.0,
        "reward": 1.0,
        "mean_iou": 0.5,
        "mean_iou_present": 0.5,
        "format_rate": 1.0,
    }
    summary = {"seed": 3, "steps": 20, "seconds": {}, "reward_first10": 0.5, "reward_last10": 1.25}
    summary["rows"] = {method: figures for method in ("base", "sft", "rft")}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    Image.new("RGB", (8, 8)).save(tmp_path / "curves.png")
    none = "<think> I look. </think> <answer>No Objects</answer>"
    predictions = {
        "base": write_predictions([HOSTILE, none, none, none], "base.jsonl"),
        "sft": write_predictions([none, none, none, answer(([0, 0, 500, 500], 0.7))], "sft.jsonl"),
        "rft": write_predictions(perfect, "rft.jsonl"),
    }

    def build(**changes):
        arguments = {
            "summary": tmp_path / "summary.json",
            "predictions": predictions,
            "data": prepared / "val.parquet",
            "reward": "robust",
            "curves": tmp_path / "curves.png",
        }
        return build_report(tmp_path / "report.html", **(arguments | changes))

    return build


def test_self_contained_and_every_link_leads_somewhere(report):
    result = report()
    page = Page(result.out.read_text())
    assert (result.pictures, result.size) == (4, result.out.stat().st_size)
    assert len(page.ids) == len(set(page.ids))
    for target in page.targets:
        assert target.startswith("data:image/") or target.removeprefix("#") in page.ids, target[:60]


def test_model_output_is_text(report):
    page = Page(report().out.read_text())
    assert "script" not in page.tags
    assert page.tags.count("img") == 1, "the curves and nothing else"
    assert any(HOSTILE == text for text in page.text)


def test_boxes_lie_in_pixels_of_the_picture_which_is_embedded_once(report):
    html = report().out.read_text()
    card = next(part for part in html.split("<article")[1:] if "blue disc" in part)
    assert card.count("data:image/webp") == 1
    drawings = [ElementTree.fromstring(text) for text in re.findall(r"<svg viewBox.*?</svg>", card, flags=re.DOTALL)]
    assert [drawing.get("viewBox") for drawing in drawings] == ["0 0 200 100"] * 3

    def boxes(drawing, kind):
        return [
            [float(box.get(key)) for key in ("x", "y", "width", "height")]
            for box in drawing.iter("rect")
            if box.get("class") == kind
        ]

    assert [boxes(drawing, "truth") for drawing in drawings] == [[[100, 50, 40, 40]]] * 3
    assert [boxes(drawing, "answer") for drawing in drawings] == [[], [], [[100, 50, 40, 40]]]


def test_methods_are_side_by_side_in_the_order_of_the_paper(report):
    html = report().out.read_text()
    card = html.split("<article")[1]
    assert re.findall(r"<h5>(.*?)</h5>", card) == ["base", "+ SFT", "+ Visual-RFT"]
    assert "Better: 3 of 3" in html
    assert "Unchanged: 1 of 1" in html
    assert "0.50 over the first ten GRPO steps, 1.25 over the last ten" in html


def test_base_alone_without_curves(report, tmp_path):
    result = report(predictions={"base": tmp_path / "base.jsonl"}, curves=None)
    page = Page(result.out.read_text())
    assert "img" not in page.tags
    assert result.pictures == 4


def test_no_predictions(report):
    with pytest.raises(UserError, match="no predictions"):
        report(predictions={})
