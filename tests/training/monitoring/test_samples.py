# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from html.parser import HTMLParser

import pytest
from sample_rows import RESPONSE, SIZE, make_row, reward_info

from verl_visual_rft.training.monitoring.page import render_page
from verl_visual_rft.training.monitoring.samples import TrainingRows, choose_keys, make_rollout


def rollout(response=RESPONSE, row=None, tokens=10, **info):
    row = row or make_row(3)
    return make_rollout(3, row, response, reward_info(row, response) | info, tokens, most_tokens=48)


@pytest.mark.parametrize(
    ("count", "chosen"), [(1, ["a_0_0"]), (2, ["a_0_0", "b_0_0"]), (9, ["a_0_0", "b_0_0", "b_1_0"])]
)
def test_prompts_come_before_further_responses_to_them(count, chosen):
    assert choose_keys(["b_1_0", "a_0_0", "b_0_0"], count) == chosen


def test_a_response_finds_its_row_and_picture(dataframe):
    rows = TrainingRows(dataframe)
    columns = ("data_source", "ability", "reward_model", "extra_info")
    position, row = rows.find({name: dataframe[4][name] for name in columns})
    assert position == 4
    assert row["images"] == dataframe[4]["images"]


def test_a_response_of_other_data_is_shown_without_picture(dataframe):
    row = {"data_source": "mine", "ability": "detection", "reward_model": {"ground_truth": '{"boxes": []}'}}
    position, found = TrainingRows(dataframe).find(row | {"extra_info": None})
    shown = make_rollout(position, found, RESPONSE, {"score": 0.0}, 10, 48)
    assert shown.question.picture == ""
    assert "picture" in shown.question.problem


def test_boxes_are_in_pixels_of_the_picture():
    shown = rollout()
    (answer,), (truth,) = shown.marks, shown.question.truth
    assert (answer.points, answer.label) == (((32, 12), (64, 36)), "0.80")
    assert truth.points == ((32, 12), (64, 36))
    assert (shown.question.width, shown.question.height) == SIZE


def test_a_labelled_box_is_drawn_with_its_label():
    cat = {"bbox_2d": [0, 0, 500, 500], "label": "cat"}
    row = make_row(0, "labelled_detection", {"objects": [cat], "categories": ["cat", "dog"]})
    shown = rollout('<answer>[{"bbox_2d": [0, 0, 500, 500], "label": "dog", "confidence": 0.5}]</answer>', row)
    assert [mark.label for mark in (*shown.marks, *shown.question.truth)] == ["dog 0.50", "cat"]
    assert ">dog 0.50</text>" in render_page(1, [shown]) and ">cat</text>" in render_page(1, [shown])


def test_components_are_shown_without_flags_and_counts():
    shown = rollout(tau=0.5)
    assert dict(shown.components).keys() == {"iou", "confidence", "format", "tau"}
    assert shown.score == pytest.approx(2 + 0.5 * (1 - 0.2**2) + 0.5)
    assert (shown.outcome, shown.truncated) == ("well formed", False)
    assert rollout(tokens=48).truncated


@pytest.mark.parametrize(
    ("ability", "truth", "response", "label", "boxes"),
    [
        ("classification", {"label": "pug"}, "<answer>a <b>pug</b></answer>", "a <b>pug</b>", 0),
        ("grounding", {"box": [0, 0, 500, 500]}, "<answer>(0,0),(500,500)</answer>", "", 1),
        ("detection", {"boxes": []}, "<answer>No Objects</answer>", "", 0),
        ("detection", {"boxes": []}, "", "", 0),
    ],
)
def test_every_task_has_a_page(ability, truth, response, label, boxes):
    shown = rollout(response, make_row(0, ability, truth))
    assert (shown.label, len(shown.marks)) == (label, boxes)
    assert "<b>" not in Page(render_page(1, [shown])).source


class Page(HTMLParser):
    """The elements of a page, and what it loads."""

    def __init__(self, source):
        super().__init__()
        self.source, self.tags, self.loaded, self.text = source, [], [], ""
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.loaded += [value for name, value in attributes if name in ("href", "src")]

    def handle_data(self, data):
        self.text += data


HOSTILE = "<script>alert(1)</script></pre><img src=x onerror=alert(2)> {{ 7 * 7 }}"


def test_what_a_model_and_a_row_write_is_text():
    shown = rollout(HOSTILE + RESPONSE, make_row(1, prompt=HOSTILE))
    page = Page(render_page(7, [shown, shown]))
    assert "script" not in page.tags and "img" not in page.tags
    assert page.text.count(HOSTILE) == 4  # response and prompt of two


def test_a_page_needs_nothing_else():
    page = Page(render_page(7, [rollout()]))
    assert [source[:5] for source in page.loaded] == ["data:"] * 2  # the icon and the picture
    assert "default-src 'none'" in page.source
    assert page.tags.count("path") == 4  # truth and answer, each with its halo
