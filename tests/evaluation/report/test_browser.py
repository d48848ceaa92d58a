# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The report in a real browser: what filters show, where boxes lie, that nothing of the model's text runs."""

from __future__ import annotations

import shutil
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium; apt-get install chromium")

ORANGE, GREEN = (255, 157, 46), (31, 209, 142)
PICTURE_3 = (120, 90, 120)


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def open_report(chromium, build):
    """Open the report from the file system; the console must stay empty."""
    messages, contexts = [], []

    def go(**options):
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("request", lambda request: messages.append(request.url) if request.url.startswith("http") else None)
        page.goto(build().out.as_uri())
        return page

    yield go
    for context in contexts:
        context.close()
    assert messages == []


def _shown(page):
    """Row number and methods of each question that is shown."""
    cards = page.locator("article:visible")
    return {
        int(card.locator("h4").get_attribute("id").removeprefix("card-")): card.locator(
            "h5:visible"
        ).all_text_contents()
        for card in cards.all()
    }


def _choose(page, name, label):
    page.locator(f"select[name={name}]").select_option(label=label)


def test_two_checkpoints_side_by_side(open_report):
    page = open_report()
    both = ["base", "+ Visual-RFT"]
    assert _shown(page) == {0: both, 1: both, 2: both, 3: both}
    _choose(page, "first", "+ SFT")
    assert set(map(tuple, _shown(page).values())) == {("+ SFT", "+ Visual-RFT")}
    _choose(page, "second", "nothing")
    assert set(map(tuple, _shown(page).values())) == {("+ SFT",)}
    _choose(page, "first", "+ Visual-RFT")
    _choose(page, "second", "base")
    left, right = (
        page.locator("article").first.locator(f"[data-method={name}]").bounding_box() for name in ("rft", "base")
    )
    assert left["x"] + left["width"] <= right["x"] and left["y"] == right["y"]


@pytest.mark.parametrize(
    ("method", "finding", "rows"),
    [
        ("base", "malformed", [0]),
        ("base", "missed", [1, 2]),
        ("base", "right", [3]),
        ("+ SFT", "badly placed", [0]),
        ("+ SFT", "false alarm", [3]),
        ("+ SFT", "malformed", []),
        ("+ Visual-RFT", "right", [0, 1, 2, 3]),
    ],
)
def test_filter_by_outcome(open_report, method, finding, rows):
    page = open_report()
    _choose(page, "first", method)
    _choose(page, "second", "nothing")
    _choose(page, "finding", finding)
    assert sorted(_shown(page)) == rows
    assert page.locator("output").inner_text() == f"{len(rows)} of 4 questions shown"
    assert page.locator("section.group:visible").count() == (len({row == 3 for row in rows}))


def test_filter_by_category(open_report):
    page = open_report()
    _choose(page, "category", "red square")
    assert sorted(_shown(page)) == [0, 3]
    _choose(page, "finding", "malformed")
    assert sorted(_shown(page)) == [0]
    _choose(page, "category", "all")
    _choose(page, "finding", "all")
    assert sorted(_shown(page)) == [0, 1, 2, 3]


def _distances(drawing):
    """How far from a colour the screen is within two pixels of a point of the picture, which has 200 x 100."""
    screen = np.asarray(Image.open(BytesIO(drawing.screenshot())).convert("RGB")).astype(int)
    scale = screen.shape[1] / 200

    def distance(x, y, colour):
        row, column = round(scale * y), round(scale * x)
        return np.abs(screen[row - 2 : row + 3, column - 2 : column + 3] - colour).max(axis=2).min()

    return distance


def test_boxes_and_picture_lie_where_they_should(open_report):
    page = open_report(viewport={"width": 1200, "height": 900})
    _choose(page, "first", "+ SFT")
    # The answer is (100, 100, 500, 500) of 1000 on a picture of 200 x 100 pixels.
    distance = _distances(page.locator("#card-3 ~ .panels [data-method=sft] > svg"))
    for x, y in [(20, 40), (100, 40), (70, 10), (60, 50)]:
        assert distance(x, y, ORANGE) < 40, (x, y)
    for x, y in [(60, 30), (140, 40), (60, 80), (190, 95), (5, 50)]:
        assert distance(x, y, PICTURE_3) < 12, (x, y)

    # The truth is (50, 20) to (150, 70); it is dashed, so it is somewhere along each side.
    distance = _distances(page.locator("#card-2 ~ .panels [data-method=sft] > svg"))
    sides = (
        [(50, y) for y in range(25, 65)],
        [(150, y) for y in range(25, 65)],
        [(x, 20) for x in range(55, 145)],
        [(x, 70) for x in range(55, 145)],
    )
    for side in sides:
        assert min(distance(x, y, GREEN) for x, y in side) < 40, side[0]
        assert min(distance(x, y, ORANGE) for x, y in side) > 60, side[0]


def test_model_output_does_not_run(open_report):
    page = open_report()
    assert page.evaluate("window.hacked") is None
    response = page.locator("#card-0 ~ .panels [data-method=base]")
    assert "<script>window.hacked = true</script>" in response.locator("blockquote").text_content()
    response.get_by_text("Response").click()
    assert "{{ 7 * 7 }}" in response.locator("pre").text_content()


def test_reward_is_explained_by_keyboard(open_report):
    page = open_report()
    panel = page.locator("#card-0 ~ .panels [data-method=rft]")
    panel.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert "box 1, confidence 0.90: IoU 1.00 with its object" in panel.inner_text()
    page.locator("select[name=first]").focus()
    page.keyboard.press("ArrowDown")
    assert set(map(tuple, _shown(page).values())) == {("+ SFT", "+ Visual-RFT")}


def test_first_tab_leads_to_the_pictures(open_report):
    page = open_report()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#pictures")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone(open_report, scheme):
    page = open_report(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    panels = [panel.bounding_box() for panel in page.locator("article").first.locator(".panel:visible").all()]
    assert [panel["x"] for panel in panels] == [panels[0]["x"]] * 2
    assert panels[0]["width"] > 280
    for caption in page.locator("figcaption:visible").all():
        box = caption.bounding_box()
        assert box["x"] + box["width"] <= 360, "captions are read without scrolling sideways"


def test_names_of_lines_stay_when_a_wide_table_is_scrolled(open_report):
    page = open_report(viewport={"width": 360, "height": 740})
    table = page.locator(".scroll").first
    table.evaluate("element => element.scrollLeft = 200")
    assert table.evaluate("element => element.scrollLeft") == 200
    name = table.locator("tbody th").first
    assert name.bounding_box()["x"] == pytest.approx(table.bounding_box()["x"], abs=1)


def test_calibration_is_drawn_beside_its_table(open_report):
    page = open_report(viewport={"width": 1200, "height": 900})
    figure, table = page.locator(".beside img"), page.locator(".beside figure")
    assert figure.evaluate("image => image.complete && image.naturalWidth > 300")
    left, right = figure.bounding_box(), table.bounding_box()
    assert left["x"] + left["width"] <= right["x"]
    scroll = table.locator(".scroll")
    assert scroll.evaluate("element => element.scrollWidth <= element.clientWidth"), "nothing is cut off"


def test_without_scripts_everything_is_shown(open_report):
    page = open_report(java_script_enabled=False)
    assert _shown(page) == {row: ["base", "+ SFT", "+ Visual-RFT"] for row in range(4)}
    assert not page.locator("form").is_visible()
