# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from verl_visual_rft.tasks.classification.prompt import classification_prompt

CLASSIFICATION = (
    "This is an image containing a plant. Please identify the species of the plant based on the image.\n"
    "Output the thinking process in <think> </think> and final answer in <answer> </answer> tags."
    "The output answer format should be as follows:\n"
    "<think> ... </think> <answer>species name</answer>\n"
    "Please strictly follow the format."
)


def test_the_classification_prompt_is_the_published_one_to_the_letter():
    assert classification_prompt("a plant", "the species of the plant") == CLASSIFICATION
