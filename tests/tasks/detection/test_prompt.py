# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from verl_visual_rft.answers import Outcome
from verl_visual_rft.tasks.detection import parse_detection
from verl_visual_rft.tasks.detection.prompt import detection_answer, detection_prompt

PUBLISHED = (
    "Detect all objects belonging to the category 'cat' in the image, and provide the bounding boxes "
    "(between 0 and 1000, integer) and confidence (between 0 and 1, with two decimal places).\n"
    "If no object belonging to the category 'cat' in the image, return 'No Objects'.\n"
    "Output the thinking process in <think> </think> and final answer in <answer> </answer> tags."
    "The output answer format should be as follows:\n"
    "<think> ... </think> <answer>[{'Position': [x1, y1, x2, y2], 'Confidence': number}, ...]</answer>\n"
    "Please strictly follow the format."
)


def test_the_detection_prompt_is_the_published_one_to_the_letter():
    assert detection_prompt("cat") == PUBLISHED


def test_models_that_answer_in_pixels_are_not_asked_for_thousandths():
    prompt = detection_prompt("cat", pixels=True)
    assert "(in pixels, integer)" in prompt
    assert "1000" not in prompt


@pytest.mark.parametrize("boxes", [[], [(1, 2, 3, 4)], [(0, 0, 1000, 1000), (5, 6, 7, 8)]])
@pytest.mark.parametrize("thinking", [None, "It is there."])
def test_what_we_write_our_parser_reads(boxes, thinking):
    answer = parse_detection(detection_answer(boxes, [0.25] * len(boxes), thinking))
    assert answer.outcome is (Outcome.WELL_FORMED if boxes else Outcome.NO_OBJECTS)
    assert [detection.box for detection in answer.detections] == boxes
    assert all(detection.confidence == 0.25 for detection in answer.detections)
    assert answer.has_format is (thinking is not None)
