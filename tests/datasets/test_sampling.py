# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of the draws: what they may choose, and that they depend on seed and annotations alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verl_visual_rft.datasets.coco_reading import CocoReading, read_coco
from verl_visual_rft.datasets.sampling import (
    EMPTY_BOX,
    ONLY_CROWDS,
    SOME_CROWDS,
    Pair,
    PairIndex,
    absent,
    few_shot,
    index_pairs,
    negatives_for,
    open_vocabulary,
)
from verl_visual_rft.errors import UserError

BOX = ((0.0, 0.0, 1.0, 1.0),)
NAMES = {3: "cat", 7: "hot dog", 9: "bus"}
pairs = st.builds(Pair, st.integers(0, 15), st.integers(0, 4))


def grid(images: int, categories: int) -> PairIndex:
    return PairIndex({Pair(i, c): BOX for i in range(images) for c in range(categories)}, {})


def test_crowds_make_a_pair_unusable_for_training_only(tiny_coco: Any) -> None:
    dataset = read_coco(tiny_coco.annotations("val"), tiny_coco.root)
    training = index_pairs(dataset, dataset.images, NAMES, allow_crowd=False)
    assert set(training.boxes) == {(11, 3), (12, 9)}
    assert training.unusable == {(11, 7): ONLY_CROWDS, (13, 3): SOME_CROWDS}
    evaluation = index_pairs(dataset, dataset.images, NAMES, allow_crowd=True)
    assert evaluation.boxes[Pair(13, 3)] == ((0.0, 0.0, 50.0, 50.0),)
    assert evaluation.unusable == {(11, 7): ONLY_CROWDS}


@pytest.mark.parametrize(
    "bbox",
    [[60, 5, 0, 20], [100, 5, 30, 20], [60, -30, 10, 20]]
    + [[0.1, 0.2, 0.3, 0.3], [0, 0, 1, 1], [0.5, 0, 0.5, 1], [0.9, 0.9, 0.05, 0.05], [0, 0, 0.01, 1]],  # in one pixel
)
@pytest.mark.parametrize("damaged", [(0,), (0, 1)])
def test_a_box_without_area_inside_the_image_makes_its_pair_unusable(
    tiny_coco: Any, bbox: list[int], damaged: tuple[int, ...]
) -> None:
    content = tiny_coco.read("val")
    for position in damaged:
        content["annotations"][position]["bbox"] = bbox
    tiny_coco.write("val", content)
    dataset = read_coco(tiny_coco.annotations("val"), tiny_coco.root, CocoReading(bbox="xywh"))
    assert index_pairs(dataset, dataset.images, NAMES, allow_crowd=True).unusable[Pair(11, 3)] == EMPTY_BOX


def test_index_keeps_to_the_given_images_and_categories(tiny_coco: Any) -> None:
    dataset = read_coco(tiny_coco.annotations("train"), tiny_coco.root)
    assert set(index_pairs(dataset, [1, 5], [7, 9], allow_crowd=False).boxes) == {(1, 7), (5, 9)}


def test_few_shot_takes_k_images_of_each_category_nested_and_independent() -> None:
    index = grid(20, 3)
    names = {0: "a", 1: "b", 2: "c"}
    four = few_shot(index, names, 4, seed=0)
    assert [sum(pair.category_id == c for pair in four) for c in names] == [4, 4, 4]
    assert len(set(four)) == 12
    assert set(few_shot(index, names, 2, seed=0)) < set(four)
    assert set(few_shot(index, {1: "b"}, 4, seed=0)) < set(four)
    assert few_shot(index, names, 4, seed=1) != four


def test_a_category_may_give_all_it_has_when_that_is_allowed() -> None:
    index = PairIndex({Pair(i, c): BOX for c, images in ((0, 2), (1, 9)) for i in range(images)}, {})
    drawn = few_shot(index, {0: "rare", 1: "common"}, 4, seed=0, at_least=1)
    assert [sum(pair.category_id == c for pair in drawn) for c in (0, 1)] == [2, 4]
    with pytest.raises(UserError, match=r"1 shots(.|\n)*'gone' has 0"):
        few_shot(index, {0: "rare", 2: "gone"}, 4, seed=0, at_least=1)


def test_the_order_of_the_annotations_does_not_matter() -> None:
    index = grid(20, 3)
    turned = PairIndex(dict(reversed(list(index.boxes.items()))), {})
    assert few_shot(index, {2: "c", 0: "a"}, 4, seed=0) == few_shot(turned, {0: "a", 2: "c"}, 4, seed=0)
    assert open_vocabulary(index, 9, seed=0) == open_vocabulary(turned, 9, seed=0)
    assert absent(index, range(30), range(3), 9, seed=0) == absent(turned, range(29, -1, -1), range(3), 9, seed=0)


def test_asking_for_more_than_there_is_says_how_much_there_is(tiny_coco: Any) -> None:
    dataset = read_coco(tiny_coco.annotations("train"), tiny_coco.root)
    index = index_pairs(dataset, dataset.images, NAMES, allow_crowd=False)
    with pytest.raises(UserError, match=r"4 shots(.|\n)*'hot dog' has 2\n  'bus' has 2") as caught:
        few_shot(index, NAMES, 4, seed=0)
    assert "'cat'" not in str(caught.value)
    with pytest.raises(UserError, match="11 rows .* the 10 usable"):
        open_vocabulary(index, 11, seed=0)
    with pytest.raises(UserError, match="8 negatives .* the 7 absent"):
        absent(index, dataset.images, NAMES, 8, seed=0)
    assert len(absent(index, dataset.images, NAMES, 7, seed=0)) == 7


@given(boxes=st.frozensets(pairs), unusable=st.frozensets(pairs), seed=st.integers(0, 3), data=st.data())
def test_absent_pairs_are_distinct_and_annotated_nowhere(
    boxes: frozenset[Pair], unusable: frozenset[Pair], seed: int, data: st.DataObject
) -> None:
    annotated = boxes | unusable
    available = 12 * 4 - sum(pair.image_id < 12 and pair.category_id < 4 for pair in annotated)
    count = data.draw(st.integers(0, available))
    drawn = absent(
        PairIndex(dict.fromkeys(boxes, BOX), dict.fromkeys(unusable, EMPTY_BOX)), range(12), range(4), count, seed
    )
    assert len(drawn) == len(set(drawn)) == count
    assert not set(drawn) & annotated
    assert all(pair.image_id < 12 and pair.category_id < 4 for pair in drawn)


@pytest.mark.parametrize(("positives", "ratio", "expected"), [(75, 0.25, 25), (10, 0.0, 0), (10, 0.5, 10)])
def test_negatives_for(positives: int, ratio: float, expected: int) -> None:
    assert negatives_for(positives, ratio) == expected


def test_what_is_not_annotated_is_not_absent() -> None:
    everywhere = [0, 1, 2]
    index = PairIndex(
        {Pair(0, 1): BOX, Pair(1, 2): BOX},
        {Pair(2, 1): ONLY_CROWDS},
        unknown=frozenset({Pair(0, 3), Pair(1, 3)}),  # 3 is above 1 and 2
        never=frozenset({4}),
    )
    drawn = absent(index, everywhere, [1, 2, 3, 4], 4, seed=0)
    assert sorted(drawn) == [(0, 2), (1, 1), (2, 2), (2, 3)]
    with pytest.raises(UserError, match="5 negatives are more than the 4 absent"):
        absent(index, everywhere, [1, 2, 3, 4], 5, seed=0)


def test_of_a_federated_file_only_what_was_looked_for_is_absent() -> None:
    looked_for = {0: frozenset({2, 9}), 1: frozenset({1}), 2: frozenset[int]()}
    index = PairIndex({Pair(0, 1): BOX, Pair(1, 2): BOX}, {}, looked_for=looked_for)
    assert sorted(absent(index, [0, 1, 2, 3], [1, 2], 2, seed=0)) == [(0, 2), (1, 1)]
    with pytest.raises(UserError, match="3 negatives are more than the 2 pairs that 'neg_category_ids'"):
        absent(index, [0, 1, 2, 3], [1, 2], 3, seed=0)


def test_pictures_that_show_nothing_are_asked_about_where_the_others_do_not_suffice() -> None:
    index = PairIndex({Pair(0, 1): BOX, Pair(1, 1): BOX}, {})
    assert sorted(absent(index, [0, 1], [1], 2, seed=0, reserve=[5, 6])) == [(5, 1), (6, 1)]
    with pytest.raises(UserError, match="3 negatives are more than the 2 absent"):
        absent(index, [0, 1], [1], 3, seed=0, reserve=[5, 6])


def test_categories_above_and_below_an_annotated_one_are_unknown(tiny_coco: Any) -> None:
    content = tiny_coco.read("train")
    content["categories"].append({"id": 1, "name": "animal", "supercategory": "none"})
    content["categories"][0]["supercategory"] = "Animal"
    tiny_coco.write("train", content)
    dataset = read_coco(tiny_coco.annotations("train"), tiny_coco.root)
    index = index_pairs(dataset, dataset.images, [1, 3, 7, 9], allow_crowd=False)
    assert index.unknown == {(i, 1) for i in range(1, 7)}
    assert index.never == {1}
    assert index_pairs(dataset, [1], [3, 7], allow_crowd=False).never == frozenset()


def test_a_category_that_a_small_file_happens_not_to_show_may_be_absent(tiny_coco: Any) -> None:
    content = tiny_coco.read("train")
    content["categories"].append({"id": 1, "name": "hair drier", "supercategory": "appliance"})
    tiny_coco.write("train", content)
    dataset = read_coco(tiny_coco.annotations("train"), tiny_coco.root)
    index = index_pairs(dataset, dataset.images, [1, 3], allow_crowd=False)
    assert sorted(absent(index, [1, 2], [1], 2, seed=0)) == [(1, 1), (2, 1)]
