# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a reward may ask for about one response."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from verl_visual_rft.answers import Answer
from verl_visual_rft.tasks.matching import Report
from verl_visual_rft.tasks.reading import read_truth
from verl_visual_rft.tasks.registry import load_task
from verl_visual_rft.tasks.task import Truth


class Sample(NamedTuple):
    """One response and what it is scored against. A reward gets those of the fields that it names as arguments.

    Attributes:
        task: Name of the task.
        response: The model's whole response, special tokens left out.
        answer: The parsed response, of the task's own type: `DetectionAnswer`, ...
        truth: The typed ground truth, of the task's own type: `DetectionTruth`, ...
        ground_truth: The ground truth as the row has it, JSON text or mapping.
        image_size: ``(width, height)`` of the picture in pixels; None when the row does not say.
        extra_info: The row's ``extra_info`` (image id, category, ...); empty when there is none.
        report: Where a scorer tells what it matched with what, for an explanation; None: nobody asks.
        tau: IoU from which a box is a hit, where the run prescribes it (`curriculum.tau_at`); None: the reward's own.
    """

    task: str
    response: str
    answer: Answer
    truth: Truth
    ground_truth: str | Mapping[str, Any]
    image_size: tuple[int, int] | None
    extra_info: Mapping[str, Any]
    tau: float | None = None
    report: Report | None = None


def make_sample(
    task: str,
    response: str,
    ground_truth: str | Mapping[str, Any],
    *,
    image_size: tuple[int, int] | None = None,
    extra_info: Mapping[str, Any] | None = None,
    tau: float | None = None,
    report: Report | None = None,
) -> Sample:
    """Parse a response and its ground truth; arguments and errors are those of `rewards.score`."""
    truth = read_truth(task, ground_truth)
    answer = _parse(task, response, truth.extent, truth.think, truth.form)
    return Sample(task, response, answer, truth, ground_truth, image_size, extra_info or {}, tau, report)


@lru_cache(maxsize=128)  # rollouts of one prompt are often the same text, and so are a policy's answers to the audit
def _parse(task: str, response: str, extent: tuple[float, float], think: bool, form: tuple[Any, ...]) -> Answer:
    answer: Answer = load_task(task).parse(response, extent, think, *form)
    return answer
