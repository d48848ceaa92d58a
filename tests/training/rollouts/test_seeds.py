# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Seeds of responses: equal where all of a response is, and different for all others."""

import copy

import pytest
from hydra import compose, initialize_config_module

from verl_visual_rft.training.rollouts.seeds import identity_of, session_seed

ROW = {
    "data_source": "coco",
    "index": 7,
    "raw_prompt": [
        {"role": "system", "content": "Answer."},
        {
            "role": "user",
            "content": [{"type": "image", "image": "a.png"}, {"type": "text", "text": "Where is the cat?"}],
        },
    ],
}


@pytest.mark.parametrize(("device", "seeded"), [("cuda", False), ("cpu", True)])
def test_responses_are_seeded_where_it_is_known_to_make_runs_the_same(device, seeded):
    with initialize_config_module("verl_visual_rft.training.config", version_base=None):
        assert compose("visual_rft", overrides=[f"device={device}"]).visual_rft.seed_rollouts is seeded


def test_a_row_has_the_same_name_in_another_process():
    name = identity_of(copy.deepcopy(ROW))
    assert name == identity_of(ROW) == "coco\n7\na.png\nAnswer.\nWhere is the cat?"
    assert session_seed(0, 1, name, 2) == 3580139033  # hash() would give another in each process


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("data_source",), "lvis"),
        (("index",), 8),
        (("raw_prompt", 0, "content"), "Think."),
        (("raw_prompt", 1, "content", 1, "text"), "Where is the dog?"),
        (("raw_prompt", 1, "content", 0, "image"), "b.png"),
    ],
)
def test_rows_that_differ_in_anything_have_names_of_their_own(path, value):
    other = copy.deepcopy(ROW)
    *outer, last = path
    at = other
    for key in outer:
        at = at[key]
    at[last] = value
    assert identity_of(other) != identity_of(ROW)


def test_seeds_of_a_run_differ():
    seeds = {
        session_seed(seed, step, row, session)
        for seed in range(3)
        for step in range(20)
        for row in ("coco\n1", "coco\n11", "lvis\n1")
        for session in range(16)
    }
    assert len(seeds) == 3 * 20 * 3 * 16
    assert all(0 <= seed < 2**32 for seed in seeds)
