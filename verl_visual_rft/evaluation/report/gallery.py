# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The report's gallery: which questions are shown, and what each method answered to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verl_visual_rft.answers import Outcome
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.tables.paper import METHODS
from verl_visual_rft.rewards import Reward, Sample, make_sample
from verl_visual_rft.rewards.explain import Explanation, explain
from verl_visual_rft.tasks import load_task
from verl_visual_rft.tasks.findings import Finding
from verl_visual_rft.tasks.marks import Outline, caption, label_of, outline
from verl_visual_rft.tasks.matching import Match, Matching

SAME_REWARD = 1e-6
#: Marks of one answer that are drawn and explained; a degenerate answer has hundreds.
MOST_MARKS = 40

#: Method to its answers by row of the evaluation parquet; every method has the same rows.
Answers = Mapping[str, Mapping[int, Prediction]]


@dataclass(frozen=True)
class Panel:
    """One method's answer to a question.

    Attributes:
        method: ``base``, ``sft`` or ``rft``.
        name: Its name for people.
        marks: What is drawn of the answer, most confident first, at most `MOST_MARKS`, with label and confidence.
        hidden_marks: Marks beyond these.
        outcome: How the answer was read.
        reason: What was amiss with it; may be empty.
        findings: What is right or wrong with it.
        score: Total reward.
        components: Name and value of what the reward is made of.
        label: What is said of the whole picture, a class; empty where that is nothing.
        matches: A line for each of ``marks``, then one for each missed object.
        thinking: Its reasoning.
        response: All that the model wrote.
    """

    method: str
    name: str
    marks: tuple[Outline, ...]
    hidden_marks: int
    outcome: str
    reason: str
    findings: tuple[Finding, ...]
    score: float
    components: tuple[tuple[str, float], ...]
    label: str
    matches: tuple[str, ...]
    thinking: str
    response: str


@dataclass(frozen=True)
class QuestionCard:
    """One question: what was asked, the truth, and a panel a method.

    Attributes:
        index: Its row in the evaluation file.
        task: What is asked.
        image_id: Of the picture.
        category: What it asks for; the class, or the instruction, of some tasks.
        width: Of the picture.
        height: Of the picture.
        is_drawn: Whether its answers lie in the picture.
        truth: What is drawn of the truth, with its labels.
        right: What is true of the whole picture, a class or a number; empty where that is nothing.
        panels: One a method.
    """

    index: int
    task: str
    image_id: str
    category: str
    width: int
    height: int
    is_drawn: bool
    truth: tuple[Outline, ...]
    right: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Group:
    """Questions with the same kind of change: the rows shown, and how many there are."""

    title: str
    of: int
    rows: tuple[int, ...]


def common_rows(predictions: Mapping[str, Sequence[Prediction]], *, gated: bool) -> tuple[Answers, int]:
    """Index each method's predictions by their row, in the order of the paper's tables, and keep the common rows.

    Args:
        predictions: Method to its predictions.
        gated: Whether an existence stage decided which questions were asked: then the methods may differ in them.

    Returns:
        The answers, and how many rows were left out because not every method was asked.

    Raises:
        UserError: The methods answered different questions, or questions about different truths.
    """
    indexed = {
        method: {item.index: item for item in predictions[method]} for method in METHODS if method in predictions
    }
    everything = set().union(*indexed.values())
    common = everything.intersection(*indexed.values())
    first, *others = indexed
    for other in others:
        different = sum(
            (indexed[first][row].image_id, indexed[first][row].ground_truth)
            != (indexed[other][row].image_id, indexed[other][row].ground_truth)
            for row in common
        )
        different += 0 if gated else len(indexed[first].keys() ^ indexed[other].keys())
        if different:
            raise UserError(
                f"the predictions of {first!r} and {other!r} differ in {different} questions; "
                "predict both on one parquet"
            )
    kept = {method: {row: item for row, item in items.items() if row in common} for method, items in indexed.items()}
    return kept, len(everything) - len(common)


def choose_rows(answers: Answers, reward: Reward, count: int) -> list[Group]:
    """Choose about ``count`` questions to show: as many better as unchanged as worse, by the change in reward.

    The first method is compared with the last. Inside a group the questions are taken at equal distances in the order
    of the validation file, so nobody picks the pretty ones; a group with too few leaves its places to the others.
    """
    methods = list(answers.values())
    first, last = methods[0], methods[-1]
    if first is last:
        return [Group("Answers", len(first), _spread(list(first), count))]
    change = {row: _score(last[row], reward) - _score(first[row], reward) for row in first}
    kinds = {
        "Better": [row for row, value in change.items() if value > SAME_REWARD],
        "Unchanged": [row for row, value in change.items() if abs(value) <= SAME_REWARD],
        "Worse": [row for row, value in change.items() if value < -SAME_REWARD],
    }
    places = _share(count, [len(rows) for rows in kinds.values()])
    return [
        Group(title, len(rows), _spread(rows, place))
        for (title, rows), place in zip(kinds.items(), places, strict=True)
    ]


def make_card(row: int, answers: Answers, reward: Reward) -> QuestionCard:
    """The truth of a question and the answer of each method."""
    asked = next(iter(answers.values()))[row]
    truth = _explain(asked, reward).sample.truth
    return QuestionCard(
        index=asked.index,
        task=asked.task,
        image_id=asked.image_id,
        category=asked.category,
        width=asked.width,
        height=asked.height,
        is_drawn=load_task(asked.task).coordinates,
        truth=tuple(outline(mark, asked.size, truth.extent, caption(mark)) for mark in truth.marks() if mark.points),
        right=label_of(truth.marks()),
        panels=tuple(_panel(method, items[row], _explain(items[row], reward)) for method, items in answers.items()),
    )


def find(sample: Sample) -> tuple[Finding, ...]:
    """Return what is to be said of an answer, in the order of `Finding`; exactly ``RIGHT`` if nothing is wrong.

    Example:
        >>> answer = "<think> a </think> <answer>[{'Position': [0, 0, 100, 20], 'Confidence': 1}]</answer>"
        >>> find(make_sample("detection", answer, {"boxes": [[0, 0, 100, 100], [500, 500, 600, 600]]}))
        (<Finding.MISSED: 'missed'>, <Finding.BADLY_PLACED: 'badly placed'>)
    """
    if sample.answer.outcome in (Outcome.MALFORMED, Outcome.NO_ANSWER):
        return (Finding.MALFORMED,)
    found = load_task(sample.task).find(sample.answer, sample.truth)
    return tuple(finding for finding in Finding if finding in found) or (Finding.RIGHT,)


def _panel(method: str, prediction: Prediction, explained: Explanation) -> Panel:
    sample = explained.sample
    # Of a reward whose parts match at several thresholds the first part's matches are drawn.
    found = explained.rules[0].matching if explained.rules else Matching(None, (), ())
    shown = found.matches[:MOST_MARKS]
    unsure = "?" if load_task(sample.task).asks_confidence else ""
    matches = [
        f"{_name(match, number)}: {_verdict(match, found.measure)}" for number, match in enumerate(shown, start=1)
    ]
    if found.matches and found.missed:
        objects = "1 object" if len(found.missed) == 1 else f"{len(found.missed)} objects"
        matches.append(f"{objects} without a {found.matches[0].mark.shape.value}")
    return Panel(
        method=method,
        name=METHODS[method],
        marks=tuple(
            outline(match.mark, prediction.size, sample.truth.extent, caption(match.mark, unsure)) for match in shown
        ),
        hidden_marks=len(found.matches) - len(shown),
        outcome=sample.answer.outcome.value,
        reason=sample.answer.reason,
        findings=find(sample),
        score=explained.total.value,
        components=tuple((component.name, component.value) for component in explained.components),
        label=label_of(load_task(sample.task).marks(sample.answer)),
        matches=tuple(matches),
        thinking=sample.answer.thinking.strip(),
        response=prediction.response,
    )


def _explain(prediction: Prediction, reward: Reward) -> Explanation:
    return explain(prediction.task, prediction.response, prediction.ground_truth, reward, image_size=prediction.size)


def _score(prediction: Prediction, reward: Reward) -> float:
    sample = make_sample(prediction.task, prediction.response, prediction.ground_truth, image_size=prediction.size)
    return reward(sample)["score"]


def _name(match: Match, number: int) -> str:
    shape = match.mark.shape.value
    sure = match.mark.confidence
    return f"{shape} {number}" if sure is None else f"{shape} {number}, confidence {sure:.2f}"


def _verdict(match: Match, measure: str) -> str:
    if match.truth is None:
        return f"no object (largest {measure} {match.quality:.2f})"
    return f"{measure} {match.quality:.2f} with its object"


def _share(count: int, available: Sequence[int]) -> list[int]:
    """Deal ``count`` places one by one around the groups that still have questions."""
    places = [0] * len(available)
    while sum(places) < min(count, sum(available)):
        for group, limit in enumerate(available):
            if places[group] < limit and sum(places) < count:
                places[group] += 1
    return places


def _spread(rows: Sequence[int], count: int) -> tuple[int, ...]:
    count = min(count, len(rows))
    return tuple(rows[place * len(rows) // count] for place in range(count))
