# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.training.pictures.grouping import pictures_of, shares, together


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


@given(st.lists(st.sampled_from("pqrs"), min_size=1, max_size=8), st.integers(1, 4))
def test_rows_stay_with_their_rank_and_those_of_a_prompt_follow_each_other(prompts, n_ranks):
    keys = [f"{prompt}_{i}_0" for i, prompt in enumerate(prompts * n_ranks)]
    order = together(keys, n_ranks)
    part = len(prompts)
    for start in range(0, len(keys), part):
        rows = order[start : start + part]
        assert sorted(rows) == list(range(start, start + part))
        seen = [keys[row][0] for row in rows]
        changes = sum(one != other for one, other in zip(seen, seen[1:], strict=False))
        assert changes == len(set(seen)) - 1
