# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Time is linear in the text and bounded by a small factor, whatever the text is."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from verl_visual_rft.tasks.classification import parse_classification
from verl_visual_rft.tasks.counting import parse_counting
from verl_visual_rft.tasks.detection import parse_detection
from verl_visual_rft.tasks.grounding import parse_grounding
from verl_visual_rft.tasks.labelled_detection import parse_labelled
from verl_visual_rft.tasks.pointing import parse_pointing

PARSERS = [
    *(parse_detection, parse_classification, parse_grounding),
    *(parse_labelled, parse_pointing, parse_counting),
]

SIZE = 65536
LIMIT = 0.1  # seconds; the worst takes about 0.005 on a slow machine, a quadratic step takes seconds

ONE = "{'Position': [1, 2, 30, 40], 'Confidence': 0.9}"
UNITS = {
    "nothing": ["\0", " ", " \n\t", "\u2028", "a", "\u0661", "\u540d", "\U0001f600", "\ud800", ".", "...", "\u2026"],
    "tags": [
        "<",
        "<answer>",
        "</answer>",
        "<think>",
        "</think> ",
        "<think></think>",
        "<answer>x</answer><think>y</think>",
    ],
    "brackets": ["[", "]", "[]", "[[],", "(", "( ", "),(", "{", "}", "{}", "}{", "{{}", "x]", "```"],
    "keys": ["{:", "{:x", "{a:}", "{a:1},", "{'a':[{", "[{'", '{"a":', '{"a":0,', '"a":"b",', "{{a:b}"],
    "quotes": ["'", '"', "\\", "'\\\"", "\"'"],
    "numbers": ["1", "9e9,", "0,", "1.5,", "-", "e", "null,", "NaN,", "[1,2,3,4],"],
    "words": ["no objects ", "no ", "No Objects\n", "nothing found ", "there is ", "there are no objects "],
    "positions": [
        "position:",
        "position: ",
        "'Position':[1,2,3,4],",
        "'Position': [ 1 , ",
        '{"Position":',
        "bbox_2d: [",
    ],
    "confidences": ["confidence'", "confidence: ", "Confidence: 0.", "Confidence: '"],
    "boxes": [ONE, ONE + ", ", ONE.replace("'", '"') + ",", ONE[:-1], '{"Position":0},', '[{"Position": [1, 2'],
    "points": ["point:", '{"point_2d": [', '{"point_2d": [1, 2]},', "[[1,2],", "[1,2],", "(1, 2)", '{"x":1,"y":2},'],
    "pairs": ["(1,2),(3,4)", "(1,2),(3,4),", "(1,2),", "(1,2),(", "(1 ,", "(1"],
}
PREFIXES = ["", "<think></think>[", "<answer>", "<answer>[", "<answer>[{'Position': ", "<answer>{'Confidence': '"]
PREFIXES += ["<answer>no", "<answer>no objects", "<answer>(1,2),(3,", '<answer>[{"Position": "']
SUFFIXES = ["", "}]</answer>"]


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("kind", UNITS)
def test_64_kib_of_junk_is_read_in_a_moment(kind: str, parse: Callable[[str], object]) -> None:
    for unit in UNITS[kind]:
        for prefix in PREFIXES:
            for suffix in SUFFIXES:
                junk = (prefix + unit * SIZE)[: SIZE - len(suffix)] + suffix
                assert fastest(parse, junk) < LIMIT, (prefix, unit, suffix)


def fastest(parse: Callable[[str], object], text: str) -> float:
    """Seconds of processor time of the fastest of at most five runs; one that keeps the limit is enough."""
    best = LIMIT
    for _ in range(5):
        start = time.process_time()
        parse(text)
        best = min(best, time.process_time() - start)
        if best < LIMIT:
            break
    return best


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("unit", ["<answer>", "[", "{:x", "(1,2),(3,4),", ONE + ", ", "no objects ", "9"])
def test_time_is_linear_in_the_text(unit: str, parse: Callable[[str], object]) -> None:
    text = "<answer>[" + unit * (2_000_000 // len(unit))
    start = time.process_time()
    parse(text)
    assert time.process_time() - start < 2  # at most about 0.2
