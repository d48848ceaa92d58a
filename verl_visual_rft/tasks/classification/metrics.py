# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Classification metrics: accuracy by three rules side by side, and which classes are taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from verl_visual_rft.evaluation.results import (
    ANSWER_COLUMNS,
    Answered,
    AnswerStatistics,
    Figure,
    Result,
    ScoredAnswer,
    answer_statistics,
    figures_table,
    mean_figure,
)
from verl_visual_rft.labels import contains_either, match_closed_set, names_the_class, same_name
from verl_visual_rft.tasks import Sample
from verl_visual_rft.tasks.classification import ClassificationAnswer, ClassificationTruth
from verl_visual_rft.tasks.metrics import TaskMetrics

_SHOWN_CONFUSIONS = 10


class Metrics(TaskMetrics):
    """Accuracy by the paper's rule, on the closed set, and by the published evaluation's rule."""

    columns = {"strict": "strict", "closed_set": "closed set", "containment": "containment", **ANSWER_COLUMNS}
    caption = (
        "Accuracy in percent by three rules: the label itself; one class of the closed set; the label contains the "
        "answer or the answer the label, as published"
    )

    def quick(self, samples: Sequence[tuple[str, Sample]]) -> dict[str, float]:
        """Share of answers that name the class and no other of its closed set."""
        right = []
        for _, sample in samples:
            answer, truth = sample.answer, sample.truth
            assert isinstance(answer, ClassificationAnswer) and isinstance(truth, ClassificationTruth)
            right.append(names_the_class(answer.label, truth.label, truth.labels, truth.aliases))
        return {"accuracy": 100 * fmean(right)}

    def measure(self, answered: Answered) -> Result:
        """Accuracies, and which classes are taken for which: see `measure_classification`."""
        return measure_classification(answered.scored, answered.reward)


@dataclass(frozen=True)
class Confusion:
    """How often pictures of a class were answered with another; ``answered`` is ``None`` for no one class."""

    label: str
    answered: str | None
    count: int


@dataclass(frozen=True)
class ClassificationMetrics:
    """What one predictions file says about a classifier.

    Attributes:
        n: Questions asked, each a picture.
        strict: Accuracy by the paper's rule: the answer equals the class but for case, underscores and white space
            (`labels.same_name`).
        closed_set: Accuracy where an answer is right if it names this class of the closed set and no other
            (`labels.match_closed_set`), over the rows that carry the set; ``None`` if none does.
        containment: Accuracy by the rule of the published evaluation: the first answer contains the class's name or is
            contained in it (`labels.contains_either`). An empty answer is always right, so is a list of all classes,
            and "rose" is right for "desert-rose": for comparison with published numbers only.
        confusions: Wrong answers on the closed set, the most frequent first.
        answers: What the answers are counted by.
    """

    n: int
    strict: Figure
    closed_set: Figure | None
    containment: Figure
    confusions: tuple[Confusion, ...]
    answers: AnswerStatistics

    task = "classification"

    def figures(self) -> dict[str, Figure | None]:
        """The three accuracies."""
        return {"strict": self.strict, "closed_set": self.closed_set, "containment": self.containment}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dictionary, the statistics of the answers at the top."""
        content = asdict(self)
        answers = content.pop("answers")
        return {"task": self.task, **content, **answers}

    def table(self) -> RenderableType:
        """The accuracies, and the most frequent confusions."""
        accuracies = figures_table(f"accuracy, {self.n} pictures", self.figures(), str(self.answers))
        confused = Table(
            "class", "answered", "count", title="most often confused", title_justify="left", box=SIMPLE_HEAD
        )
        for confusion in self.confusions[:_SHOWN_CONFUSIONS]:
            answered = confusion.answered or "(no one class of the set)"
            confused.add_row(Text(confusion.label), Text(answered), str(confusion.count))
        return Group(accuracies, confused) if self.confusions else accuracies


def measure_classification(scored: Sequence[ScoredAnswer], reward: str) -> ClassificationMetrics:
    """Compute the metrics of answered classification questions; ``scored`` must not be empty.

    An answer that cannot be read is wrong by every rule, except that the published one takes an empty answer block for
    right.
    """
    images = [item.prediction.image_id for item in scored]
    strict, containment, closed_set, closed_set_images = [], [], [], []
    confusions: Counter[tuple[str, str | None]] = Counter()
    for item, image in zip(scored, images, strict=True):
        answer, truth = item.sample.answer, item.sample.truth
        assert isinstance(answer, ClassificationAnswer) and isinstance(truth, ClassificationTruth)
        strict.append(same_name(answer.label, truth.label))
        containment.append(_published_rule(item.prediction.response, truth.label))
        if truth.labels:
            named = match_closed_set(answer.label, truth.labels, truth.aliases)
            closed_set.append(named == truth.label)
            closed_set_images.append(image)
            if named != truth.label:
                confusions[truth.label, named] += 1
    return ClassificationMetrics(
        n=len(scored),
        strict=mean_figure(strict, images),
        closed_set=mean_figure(closed_set, closed_set_images) if closed_set else None,
        containment=mean_figure(containment, images),
        confusions=tuple(
            Confusion(label, answered, count)
            for (label, answered), count in sorted(confusions.items(), key=lambda item: (-item[1], *map(str, item[0])))
        ),
        answers=answer_statistics(scored, reward),
    )


def _published_rule(response: str, label: str) -> bool:
    """Judge the first answer block that does not span lines, be it in the reasoning; without one it is wrong."""
    for line in response.split("\n"):
        block, closing_tag, _ = line.partition("<answer>")[2].partition("</answer>")
        if closing_tag:
            return contains_either(block, label)
    return False


METRICS = Metrics()
