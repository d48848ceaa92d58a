# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A few responses of a training step, with what a person needs to judge them: picture, boxes, text, reward."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from verl_visual_rft.datasets.stored_rows import extra, ground_truth
from verl_visual_rft.datasets.view import Card, make_card
from verl_visual_rft.evaluation.report.gallery import MOST_MARKS
from verl_visual_rft.tasks import load_task, make_sample
from verl_visual_rft.tasks.marks import Mark, Outline, caption, label_of, outline
from verl_visual_rft.training.rollouts.responses import parse_key

#: What identifies a prepared row, apart from its data source.
_IDENTITY = ("split", "index", "image_id")
# Reported beside the components of a reward.
_NO_COMPONENT = ("score", "outcome_", "n_")


@dataclass(frozen=True)
class Rollout:
    """One response.

    Attributes:
        question: Its row: picture, truth, prompt.
        response: All that the model wrote.
        tokens: How long it is.
        truncated: Whether it ended at the token limit.
        outcome: How its answer was read.
        reason: What was amiss with it; may be empty.
        marks: What is drawn of the answer, with confidences, at most `MOST_MARKS`.
        hidden_marks: Marks beyond these.
        label: What is said of the whole picture, a class; empty where that is nothing.
        score: Total reward.
        components: Name and value of what the reward is made of.
    """

    question: Card
    response: str
    tokens: int
    truncated: bool
    outcome: str
    reason: str
    marks: tuple[Outline, ...]
    hidden_marks: int
    label: str
    score: float
    components: tuple[tuple[str, float], ...]


def choose_keys(keys: Collection[str], count: int) -> list[str]:
    """Choose responses of as many prompts as possible, by the prompts' random uids: nobody picks the pretty ones.

    Args:
        keys: ``<uid of the prompt>_<session>_<index>`` of each response.
        count: How many; all of fewer.

    Example:
        >>> choose_keys(["b_0_0", "b_1_0", "a_1_0", "a_0_0"], 3)
        ['a_0_0', 'b_0_0', 'a_1_0']
    """

    def place(key: str) -> tuple[int, str]:
        uid, session = parse_key(key)
        return session, uid

    return sorted(keys, key=place)[:count]


class TrainingRows:
    """Finds the prepared row of a response, with its picture, which does not travel with the response.

    Args:
        dataframe: ``RLHFDataset.dataframe``.
    """

    def __init__(self, dataframe: Any) -> None:
        self._dataframe = dataframe

    def find(self, row: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        """Return position and content of the row that agrees with the columns of a response in where it is from.

        Where there is none, because other data have no ``extra_info`` like ours, the columns themselves at position 0.
        """
        position = self._positions.get(_identity(row))
        return (0, row) if position is None else (position, self._dataframe[position])

    @cached_property
    def _positions(self) -> dict[Hashable, int]:
        rows = self._dataframe.select_columns(["data_source", "extra_info"])
        return {_identity(row): position for position, row in enumerate(rows)}


def _identity(row: Mapping[str, Any]) -> Hashable:
    return (row["data_source"], *(extra(row, key) for key in _IDENTITY))


def make_rollout(
    position: int, row: Mapping[str, Any], response: str, info: Mapping[str, Any], tokens: int, most_tokens: int
) -> Rollout:
    """Return what the page shows of a response.

    Args:
        position: Of its row in the training data.
        row: Its prepared row.
        response: The text, special tokens left out.
        info: ``reward_extra_info`` that the reward manager returned for it.
        tokens: Its length.
        most_tokens: The limit of it.

    Raises:
        UserError: The ground truth cannot be read.
    """
    sample = make_sample(row["ability"], response, ground_truth(row))
    question = make_card(position, row)
    marks = load_task(sample.task).marks(sample.answer)
    drawn = [mark for mark in marks if mark.points]
    numbers = {name: value for name, value in info.items() if isinstance(value, bool | int | float)}
    return Rollout(
        question=question,
        response=response,
        tokens=tokens,
        truncated=tokens >= most_tokens,
        outcome=sample.answer.outcome.value.replace("_", " "),
        reason=sample.answer.reason,
        marks=tuple(_outline(mark, question, sample.truth.extent) for mark in drawn[:MOST_MARKS]),
        hidden_marks=max(0, len(drawn) - MOST_MARKS),
        label=label_of(marks),
        score=float(numbers.get("score", 0.0)),
        components=tuple((name, float(v)) for name, v in numbers.items() if not name.startswith(_NO_COMPONENT)),
    )


def _outline(mark: Mark, question: Card, extent: tuple[float, float]) -> Outline:
    return outline(mark, (question.width, question.height), extent, caption(mark))
