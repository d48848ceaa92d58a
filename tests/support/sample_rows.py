# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import io
import json

from PIL import Image

from verl_visual_rft.rewards import score

RESPONSE = "<think> one on the right </think> <answer>[{'Position': [500, 250, 1000, 750], 'Confidence': 0.8}]</answer>"
SIZE = (64, 48)


def make_row(index, ability="detection", truth=None, prompt="Detect <cat> & say"):
    """A prepared row with a picture of one colour."""
    picture = io.BytesIO()
    Image.new("RGB", SIZE, (index * 40 % 256, 80, 120)).save(picture, format="PNG")
    return {
        "data_source": "coco",
        "prompt": [{"role": "user", "content": prompt}],
        "images": [{"bytes": picture.getvalue()}],
        "ability": ability,
        "reward_model": {"ground_truth": json.dumps(truth or {"boxes": [[500, 250, 1000, 750]]})},
        "extra_info": {"split": "train", "index": index, "image_id": str(index), "category": "cat"},
    }


def reward_info(row, response):
    return score(row["ability"], response, row["reward_model"]["ground_truth"], "robust")
