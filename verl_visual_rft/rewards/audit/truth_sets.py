# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Questions that the audit makes up with a seed."""

from __future__ import annotations

from random import Random

from verl_visual_rft.tasks import load_task
from verl_visual_rft.tasks.audited import audited
from verl_visual_rft.tasks.audited.question import Question, make_question, with_knowledge_of_the_set


def built_in(task: str, size: int, seed: int, think: bool = True) -> list[Question]:
    """Make up ``size`` questions of a task; the same seed gives the same ones, with or without ``think``.

    Detection: a quarter of the questions have no object, the others one to eight, half of them more than one;
    classification: names as awkward as those of the paper's data sets, evenly, half of them with the closed set that
    they are of; grounding: half of the questions ask for one box, the others may mean none or several.
    """
    rng = Random(f"{task} truths {seed}")
    form = {} if think else {"think": False}
    make = audited(load_task(task)).make_truth
    return with_knowledge_of_the_set([make_question(task, {**make(rng), **form}) for _ in range(size)])
