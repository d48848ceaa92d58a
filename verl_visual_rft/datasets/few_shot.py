# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which pictures of each class a k-shot experiment trains on."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from verl_visual_rft.tasks.classification.question import ClassificationQuestion

Questions = Sequence[ClassificationQuestion]
Draw = tuple[list[ClassificationQuestion], list[ClassificationQuestion]]

#: CoOp validates on at most this many pictures of each class.
MOST_VAL_SHOTS = 4


def coop(train: Questions, val: Questions, shots: int, seed: int) -> Draw:
    """Draw as CoOp does, whose published lists (seeds 1 to 3) this reproduces exactly.

    Classes in the order of their first appearance; ``random.sample`` of each, train first, then ``min(shots, 4)`` of
    each class of val from the same stream. The draws of different shots have nothing in common. A class with fewer
    pictures is taken whole, as CoOp does.

    Source: ``generate_fewshot_dataset`` of Dassl (https://github.com/KaiyangZhou/Dassl.pytorch).
    """
    rng = random.Random(seed)
    chosen: Draw = ([], [])
    for out, questions, count in ((chosen[0], train, shots), (chosen[1], val, min(shots, MOST_VAL_SHOTS))):
        for group in _by_label(questions).values():
            out += rng.sample(group, count) if len(group) >= count else group
    return chosen


def nested(train: Questions, val: Questions, shots: int, seed: int) -> Draw:
    """Draw so that the pictures of fewer shots are among those of more: 1 in 2 in 4 in 8 in 16.

    The authors describe their own sets so (issue 220 of the published repository). Each class has a random stream of
    its own, so its pictures depend on seed, label and its own list alone, not on the order of the list. A class with
    fewer pictures is taken whole.
    """

    def first(split: str, questions: Questions, count: int) -> list[ClassificationQuestion]:
        chosen: list[ClassificationQuestion] = []
        for label, group in sorted(_by_label(questions).items()):
            group.sort(key=lambda question: question.picture.id)
            random.Random(f"nested {split} {seed} {label}").shuffle(group)
            chosen += group[:count]
        return chosen

    return first("train", train, shots), first("val", val, min(shots, MOST_VAL_SHOTS))


SAMPLERS: Mapping[str, Callable[[Questions, Questions, int, int], Draw]] = {"coop": coop, "nested": nested}


def short_classes(questions: Questions, shots: int) -> dict[str, int]:
    """Return the classes that have fewer pictures than ``shots``, with how many they have."""
    classes = questions[0].classes.names if questions else ()
    counts = Counter(question.label for question in questions)
    return {name: counts[label] for label, name in enumerate(classes) if counts[label] < shots}


def _by_label(questions: Questions) -> dict[int, list[ClassificationQuestion]]:
    groups: dict[int, list[ClassificationQuestion]] = {}
    for question in questions:
        groups.setdefault(question.label, []).append(question)
    return groups
