# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the page that shows rows: where boxes are drawn, and that text of the data stays text."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from base64 import b64decode, b64encode
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from verl_visual_rft.coordinates import FAMILIES, answer_extent, to_extent
from verl_visual_rft.datasets.view import LONGEST_SIDE, make_card, write_view
from verl_visual_rft.errors import UserError

HOSTILE = "</pre></script><script>alert(1)</script> {{ 7 * 7 }} <img src=x onerror=alert(2)>"
LIMITS = {"min_pixels": 3136, "max_pixels": 401408}


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def page(write_rows, tmp_path: Path):
    def build(rows, count: int = 48) -> Page:
        return Page(write_view(write_rows(rows), tmp_path / "view.html", count).out.read_text())

    return build


@pytest.mark.parametrize("family", FAMILIES)
def test_boxes_are_drawn_where_they_were_annotated(tiny, family: str) -> None:
    size, annotated = (1600, 900), (400.0, 225.0, 800.0, 450.0)
    extent = answer_extent(size, FAMILIES[family], **LIMITS)
    truth = json.dumps({"boxes": [to_extent(annotated, size, extent)], "extent": extent})
    images = [{"bytes": tiny.encode(1, size, "JPEG"), **LIMITS}]
    card = make_card(0, tiny.row(images=images, reward_model={"ground_truth": truth}))
    (mark,) = card.truth
    assert (card.width, card.height) == size
    assert [value for point in mark.points for value in point] == pytest.approx([400, 225, 800, 450], abs=3)


def test_pictures_are_scaled_down_and_boxes_refer_to_the_original(tiny, page) -> None:
    images = [{"bytes": tiny.encode(1, (2000, 1000), "JPEG"), **LIMITS}]
    shown = page([tiny.row(images=images)])
    (picture,), (svg,) = shown.all("image"), shown.all("svg")
    data = b64decode(picture["href"].removeprefix("data:image/webp;base64,"))
    assert Image.open(BytesIO(data)).size == (LONGEST_SIDE, LONGEST_SIDE // 2)
    assert (svg["viewbox"], picture["width"], picture["height"]) == ("0 0 2000 1000", "2000", "1000")
    assert [mark["d"] for mark in shown.all("path") if mark["class"] == "truth"] == ["M200 200h400v200h-400z"]


def test_what_is_told_of_each_task(tiny, page) -> None:
    rows = [tiny.row(task, index) for index, task in enumerate(("detection", "classification", "grounding"))]
    rows.append(tiny.row(index=3, reward_model={"ground_truth": '{"boxes": []}'}))
    shown = page(rows)
    assert [(a["data-task"], a["data-category"]) for a in shown.all("article")] == [
        ("detection", "pug"),
        ("classification", "pug"),
        ("grounding", ""),
        ("detection", "pug"),
    ]
    text = " ".join(shown.text)
    for expected in (
        "(100, 200, 300, 400)",
        "pug, one of 2 classes",
        "No Objects",
        "0-1000 grid",
        "<image>Where?",
        "the one that barks",
    ):
        assert expected in text
    assert [option.get("value") for option in shown.all("option")] == [
        None, "classification", "detection", "grounding", None, "", "pug",
    ]  # fmt: skip


def test_rows_are_taken_at_equal_distances(tiny, page) -> None:
    shown = page([tiny.row(index=index) for index in range(10)], count=5)
    assert [heading["id"] for heading in shown.all("h2")] == ["row-0", "row-2", "row-4", "row-6", "row-8"]


def test_text_of_the_data_stays_text(tiny, page) -> None:
    row = tiny.row(
        data_source=HOSTILE,
        prompt=[{"role": HOSTILE, "content": HOSTILE}],
        extra_info={"category": HOSTILE, "split": HOSTILE},
    )
    shown = page([row])
    assert len(shown.all("script")) == 1 and not shown.all("img")
    assert HOSTILE in shown.text and shown.all("article")[0]["data-category"] == HOSTILE


def test_self_contained(tiny, write_rows, tmp_path: Path) -> None:
    html = write_view(write_rows([tiny.row()]), tmp_path / "deep" / "view.html").out.read_text()
    links = [value for _, attributes in Page(html).tags for key, value in attributes.items() if key in ("href", "src")]
    assert links and all(link.startswith("data:image/") for link in links)
    (script,) = re.findall("<script>(.*?)</script>", html, re.DOTALL)
    assert f"script-src 'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in html
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["view.html"]


def test_what_cannot_be_read_is_shown_with_its_reason(tiny, page) -> None:
    bad = tiny.row(images=[{"bytes": b"text", **LIMITS}], reward_model={"ground_truth": "?"}, ability="dreaming")
    bare = {key: value for key, value in tiny.row(index=1).items() if key not in ("extra_info", "reward_model")}
    shown = page([bad, {**bare, "extra_info": None, "reward_model": None}])
    text = " ".join(shown.text)
    assert "The picture is no picture in a known format (JPEG" in text and "unknown task 'dreaming'" in text
    assert (len(shown.all("image")), len(shown.all("rect"))) == (1, 0)


def test_nothing_to_show(tiny, write_rows, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to show"):
        write_view(write_rows([tiny.row()]), tmp_path / "view.html", 0)
    with pytest.raises(UserError, match="no such file"):
        write_view(tmp_path / "none.parquet", tmp_path / "view.html")
    with pytest.raises(UserError, match="cannot write"):
        write_view(write_rows([tiny.row()]), tmp_path / "train.parquet" / "view.html")
    assert not (tmp_path / "view.html").exists()


def test_without_jinja2_the_remedy_is_named(tiny, write_rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UserError, match=r"pip install 'verl-visual-rft\[eval\]'"):
        write_view(write_rows([tiny.row()]), tmp_path / "view.html")
