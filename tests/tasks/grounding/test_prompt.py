# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from verl_visual_rft.tasks.grounding.prompt import grounding_prompt

GROUNDING = (
    "Output the bounding box in the image corresponding to the instruction: the {odd} one Output the thinking process "
    'in <think> </think> and your grouding box. Following "<think> thinking process </think>\n'
    '<answer>(x1,y1),(x2,y2)</answer>)" format.'
)


def test_the_grounding_prompt_is_the_published_one_to_the_letter_and_typo():
    assert grounding_prompt("the {odd} one") == GROUNDING
