# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import random
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.training.engine.batches import (
    GROUP,
    MOST_LOAD,
    PICTURES_OF_UPDATE,
    arranged,
    lay_out,
    whole_rows,
)


def parts_of(rows, n_parts):
    size = len(rows) // n_parts
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def busiest(order, loads, n_ranks):
    return max(sum(loads[row] for row in part) for part in parts_of(order, n_ranks))


def passes(order, pictures, n_ranks, micro_batch):
    """How often pictures pass the tower: each once a micro-batch."""
    micro_batches = [
        part[start : start + micro_batch]
        for part in parts_of(order, n_ranks)
        for start in range(0, len(part), micro_batch)
    ]
    return sum(len({pictures[row] for row in rows} - {None}) for rows in micro_batches)


@st.composite
def batches(draw):
    """Rows about a few pictures or none, in any order and of any load, that ranks and mini-batches divide."""
    n_ranks, n_mini_batches = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    n_rows = n_ranks * n_mini_batches * draw(st.integers(1, 8))
    pictures = draw(st.lists(st.sampled_from(["p", "q", "r", "s", None]), min_size=n_rows, max_size=n_rows))
    loads = draw(st.lists(st.integers(1, 1000), min_size=n_rows, max_size=n_rows))
    return pictures, loads, n_ranks, n_mini_batches


@given(batches())
def test_each_row_stays_in_its_mini_batch_and_ranks_get_equal_parts(batch):
    pictures, loads, n_ranks, n_mini_batches = batch
    order = arranged(pictures, loads, n_ranks, n_mini_batches)

    def mini_batches(rows):
        ranks = [parts_of(part, n_mini_batches) for part in parts_of(rows, n_ranks)]
        return [sorted(row for rank in ranks for row in rank[number]) for number in range(n_mini_batches)]

    assert mini_batches(order) == mini_batches(list(range(len(pictures))))


@given(batches())
def test_no_rank_gets_a_tenth_more_than_the_busiest_had(batch):
    pictures, loads, n_ranks, _ = batch
    order = arranged(pictures, loads, n_ranks)
    assert busiest(order, loads, n_ranks) <= MOST_LOAD * busiest(range(len(loads)), loads, n_ranks)


@given(batches())
def test_rows_of_a_rank_about_a_picture_follow_each_other_and_those_about_nothing_come_last(batch):
    pictures, loads, n_ranks, _ = batch
    for part in parts_of(arranged(pictures, loads, n_ranks), n_ranks):
        seen = [pictures[row] for row in part if pictures[row] is not None]
        changes = sum(one != other for one, other in zip(seen, seen[1:], strict=False))
        assert changes == max(0, len(set(seen)) - 1)
        assert all(pictures[row] is None for row in part[len(seen) :])


def test_on_one_rank_rows_keep_the_order_of_their_prompts():
    assert arranged("pqpqrr", [1, 9, 2, 8, 3, 7], n_ranks=1) == [0, 2, 1, 3, 4, 5]


@pytest.mark.parametrize("n_ranks", [1, 2, 4])
def test_whole_groups_stay_whole_where_prompts_divide_the_ranks(n_ranks):
    lengths, prompts = realistic(prompts=16, group=8)
    order = arranged(prompts, lengths, n_ranks)
    for part in parts_of([prompts[row] for row in order], n_ranks):
        assert all(part.count(prompt) == 8 for prompt in part)


@pytest.mark.parametrize(
    ("groups", "n_ranks", "micro_batch", "most"),
    [
        (
            [8] * 10,
            4,
            4,
            20,
        ),  # groups that the ranks do not divide: pieces of a half, no more passes than micro-batches
        ([8] * 7 + [7, None], 2, 8, 8),  # a session failed and a row fills up
        ([8] * 6 + [7, 7, None, None], 2, 8, 8),
        ([16] + [8] * 6, 2, 16, 7),  # two prompts about a picture: it passes once
        ([8] * 3 + [None] * 8, 2, 8, 6),  # many rows fill up
        ([12, 4], 2, 4, 4),  # a picture with more rows than a rank has
    ],
)
def test_groups_that_do_not_fit_stay_together_as_far_as_they_can(groups, n_ranks, micro_batch, most):
    pictures = [number if group else None for number, group in enumerate(groups) for _ in range(group if group else 1)]
    shuffled = random.Random(0).sample(pictures, len(pictures))
    order = arranged(shuffled, [100 if picture is not None else 1 for picture in shuffled], n_ranks)
    assert passes(order, shuffled, n_ranks, micro_batch) <= most


def realistic(prompts, group, seed=0):
    """Lengths of rows: pictures of 200 to 1000 tokens, answers of 60 to 500."""
    draw = random.Random(seed)
    return zip(
        *[(picture + draw.randint(60, 500), prompt) for prompt in range(prompts)
          for picture in [draw.randint(200, 1000)] for _ in range(group)],
        strict=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("group", "n_ranks", "rows_a_pass"),
    [(8, 2, 4.0), (8, 4, 4.0), (8, 8, 4.0), (8, 16, 3.75), (4, 4, 4.0), (4, 8, 3.5)],
)
def test_the_balance_is_that_of_verl_to_a_tenth_and_pictures_pass_as_seldom_as_they_can(group, n_ranks, rows_a_pass):
    balancing = pytest.importorskip("verl.utils.seqlen_balancing")
    n_passes = 0
    for seed in range(20):
        lengths, prompts = realistic(16, group, seed)
        theirs = balancing.get_seqlen_balanced_partitions(
            [balancing.calculate_workload(length) for length in lengths], n_ranks, equal_size=True
        )
        batch = queue_batch([row for part in theirs for row in part], lengths, prompts)
        metrics = {}
        said = lay_out(batch, config(group), n_ranks, metrics)
        loads = [balancing.calculate_workload(tag["seq_len"]) for tag in batch.tags]
        most = max(sum(balancing.calculate_workload(lengths[row]) for row in part) for part in theirs)
        assert busiest(range(len(loads)), loads, n_ranks) <= MOST_LOAD * most
        assert said == {GROUP: group, PICTURES_OF_UPDATE: 16}
        n_passes += passes(range(16 * group), [tag["pictures"][0] for tag in batch.tags], n_ranks, micro_batch=4)
        assert metrics["global_seqlen/balanced_max"] == busiest(
            range(len(loads)), [tag["seq_len"] for tag in batch.tags], n_ranks
        )
    assert 20 * 16 * group / n_passes >= rows_a_pass  # 4 at most


def queue_batch(order, lengths, prompts):
    """What `lay_out` knows of veRL's ``KVBatchMeta``."""

    class Batch(SimpleNamespace):
        def __len__(self):
            return len(self.tags)

        def reorder(self, indexes):
            self.tags = [self.tags[index] for index in indexes]

    return Batch(tags=[{"seq_len": lengths[row], "pictures": [f"1-{prompts[row]}"]} for row in order])


def config(group, mini_batch=16, shuffle=False):
    return {
        "actor_rollout_ref": {
            "actor": {"ppo_mini_batch_size": mini_batch, "shuffle": shuffle},
            "rollout": {"n": group},
        }
    }


@pytest.mark.slow
def test_an_order_that_decides_what_an_update_is_made_of_is_left_alone():
    pytest.importorskip("verl")
    lengths, prompts = realistic(16, 4)
    order = random.Random(0).sample(range(64), 64)

    def laid_out(**settings):
        batch = queue_batch(order, lengths, prompts)
        return lay_out(batch, config(4, **settings), 2, {}), batch.tags

    veRLs = queue_batch(order, lengths, prompts).tags
    assert laid_out(mini_batch=8, shuffle=True) == ({}, veRLs)
    said, tags = laid_out(mini_batch=8)
    assert said[PICTURES_OF_UPDATE] == 8 and tags != veRLs
    for mine, theirs in zip(parts_of(tags, 4), parts_of(veRLs, 4), strict=True):
        assert len(mine) == len(theirs)  # rank by rank two mini-batches

    def update(rows, number):
        return sorted(str(tag) for part in parts_of(rows, 2) for tag in parts_of(part, 2)[number])

    assert [update(tags, number) for number in (0, 1)] == [update(veRLs, number) for number in (0, 1)]


@pytest.mark.slow
def test_rows_that_fill_up_or_name_no_picture_are_about_nothing():
    pytest.importorskip("verl")
    batch = queue_batch(range(8), [100] * 8, [0, 0, 0, 1, 1, 1, 1, 0])
    batch.tags[7]["is_padding"] = True  # made from a row about a picture
    lay_out(batch, config(4, mini_batch=2), 2, {})
    ranks = [{tag["pictures"][0] for tag in part if not tag.get("is_padding")} for part in parts_of(batch.tags, 2)]
    assert sorted(map(sorted, ranks)) == [["1-0"], ["1-1"]]

    for tag in batch.tags:
        del tag["pictures"]
    assert lay_out(batch, config(4), 2, {}) == {}


@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=48),
    st.integers(1, 12),
    st.integers(100, 900),
    st.integers(100, 900),
)
def test_a_block_of_whole_rows_fits_and_that_of_another_rank_does_too(lengths, group, most_tokens, of_other):
    def fits(size):
        return all(sum(part) <= most_tokens for part in parts_of(lengths, len(lengths) // size))

    size = whole_rows(lengths, group, most_tokens)
    assert group % size == 0 and len(lengths) % size == 0 and fits(size)
    other = whole_rows(lengths, group, of_other)
    assert max(size, other) % min(size, other) == 0
    assert fits(min(size, other))
