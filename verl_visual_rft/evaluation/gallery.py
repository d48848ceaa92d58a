# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The report's gallery: which questions are shown, and the boxes of each method on their pictures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from verl_visual_rft.coordinates import Box, from_thousandths
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.detection import ScoredPrediction
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.summary import METHODS

LONGEST_SIDE = 640
SAME_REWARD = 1e-6

Question = tuple[str, int]
Scored = Mapping[str, Mapping[Question, ScoredPrediction]]


@dataclass(frozen=True)
class Rectangle:
    """A box in pixels of the original picture, with the confidence as its label (empty for a truth)."""

    x: float
    y: float
    width: float
    height: float
    label: str = ""


@dataclass(frozen=True)
class Panel:
    """One method's answer to a question."""

    method: str
    rectangles: tuple[Rectangle, ...]
    outcome: str
    reason: str
    reward: dict[str, float]
    response: str


@dataclass(frozen=True)
class Card:
    """One question: its picture, once, with the truth and a panel a method."""

    index: int
    image_id: str
    category: str
    width: int
    height: int
    picture: str
    truth: tuple[Rectangle, ...]
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Group:
    """Questions with the same kind of change; ``questions`` are those shown, ``of`` is how many there are."""

    title: str
    of: int
    questions: tuple[Question, ...]


def by_question(scored: Mapping[str, Sequence[ScoredPrediction]]) -> dict[str, dict[Question, ScoredPrediction]]:
    """Index each method's predictions by (image id, category id), in the order of the paper's table.

    Raises:
        UserError: The methods did not answer the same questions.
    """
    indexed = {
        method: {(item.prediction.image_id, item.prediction.category_id): item for item in scored[method]}
        for method in METHODS
        if method in scored
    }
    first, *others = indexed
    for other in others:
        different = len(indexed[first].keys() ^ indexed[other].keys())
        if different:
            raise UserError(
                f"the predictions of {first!r} and {other!r} differ in {different} questions; "
                "predict both on one parquet"
            )
    return indexed


def choose_questions(scored: Scored, count: int) -> list[Group]:
    """Choose about ``count`` questions to show: as many better as unchanged as worse, by the change in reward.

    The first method is compared with the last. Inside a group the questions are taken at equal distances in the order
    of the validation file, so nobody picks the pretty ones; a group with too few leaves its places to the others.
    """
    methods = list(scored)
    first, last = methods[0], methods[-1]
    if first == last:
        questions = list(scored[first])
        return [Group("Answers", len(questions), _spread(questions, count))]
    change = {key: scored[last][key].reward["score"] - item.reward["score"] for key, item in scored[first].items()}
    kinds = {
        "Better": [key for key, value in change.items() if value > SAME_REWARD],
        "Unchanged": [key for key, value in change.items() if abs(value) <= SAME_REWARD],
        "Worse": [key for key, value in change.items() if value < -SAME_REWARD],
    }
    places = _share(count, [len(questions) for questions in kinds.values()])
    return [
        Group(title, len(questions), _spread(questions, place))
        for (title, questions), place in zip(kinds.items(), places, strict=True)
    ]


def make_card(question: Question, scored: Scored, picture: bytes) -> Card:
    """The picture of a question with its truth and the answer of each method."""
    prediction = next(iter(scored.values()))[question].prediction
    return Card(
        index=prediction.index,
        image_id=prediction.image_id,
        category=prediction.category,
        width=prediction.width,
        height=prediction.height,
        picture=_data_uri(picture),
        truth=tuple(_rectangle((x1, y1, x2, y2), prediction) for x1, y1, x2, y2 in prediction.truth_boxes),
        panels=tuple(_panel(method, items[question]) for method, items in scored.items()),
    )


def _panel(method: str, item: ScoredPrediction) -> Panel:
    return Panel(
        method=METHODS[method],
        rectangles=tuple(
            _rectangle(
                detection.box, item.prediction, "?" if detection.confidence is None else f"{detection.confidence:.2f}"
            )
            for detection in item.answer.detections
        ),
        outcome=item.answer.outcome.value,
        reason=item.answer.reason,
        reward=item.reward,
        response=item.prediction.response,
    )


def _rectangle(box: Box, prediction: Prediction, label: str = "") -> Rectangle:
    x1, y1, x2, y2 = from_thousandths(box, prediction.size)
    return Rectangle(round(x1, 1), round(y1, 1), round(x2 - x1, 1), round(y2 - y1, 1), label)


def _data_uri(picture: bytes) -> str:
    # The pixels are decoded as the model saw them (EXIF orientation not applied), which is what the boxes refer to.
    image = Image.open(BytesIO(picture)).convert("RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    small = BytesIO()
    image.save(small, format="WEBP", quality=85, exif=b"")
    return "data:image/webp;base64," + b64encode(small.getvalue()).decode()


def _share(count: int, available: Sequence[int]) -> list[int]:
    """Deal ``count`` places one by one around the groups that still have questions."""
    places = [0] * len(available)
    while sum(places) < min(count, sum(available)):
        for group, limit in enumerate(available):
            if places[group] < limit and sum(places) < count:
                places[group] += 1
    return places


def _spread(questions: Sequence[Question], count: int) -> tuple[Question, ...]:
    count = min(count, len(questions))
    return tuple(questions[place * len(questions) // count] for place in range(count))
