# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.training.rollouts.pictures.grouping import pictures_of, shares


def test_pictures_are_told_apart_by_what_they_show(pictures):
    def message(**part):
        return [{"role": "user", "content": [{"type": "image", **part}, {"type": "text", "text": "?"}]}]

    red, blue = pictures
    assert pictures_of(message(image=red)) == pictures_of(message(image=red.copy())) != pictures_of(message(image=blue))
    assert pictures_of(message(image=red, bytes=b"x")) == pictures_of(message(image=blue, bytes=b"x"))
    assert pictures_of(message(image="a.jpg")) == ("a.jpg",)
    assert pictures_of([{"role": "user", "content": "no picture"}]) == ()


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 6))
def test_every_prompt_goes_to_one_worker_and_a_picture_to_no_two(about, n_workers):
    parts = shares(about, n_workers)
    assert len(parts) == n_workers
    assert sorted(prompt for part in parts for prompt in part) == list(range(len(about)))
    workers = [{about[prompt] for prompt in part} for part in parts]
    assert sum(map(len, workers)) == len(set(about))
