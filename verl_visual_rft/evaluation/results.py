# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the results of all tasks have in common: figures with their n and interval, and statistics of the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from verl_visual_rft.answers import Outcome
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.bootstrap import mean_interval, share_interval
from verl_visual_rft.evaluation.predictions import ExistenceStage, Prediction
from verl_visual_rft.rewards import Sample, load_reward, make_sample

#: Figures about answers that the tables of most tasks end with.
ANSWER_COLUMNS = {"reward": "mean reward", "format_rate": "format rate"}


@dataclass(frozen=True)
class Figure:
    """A share in percent.

    Attributes:
        value: The share, 0 to 100.
        n: Questions that it is a share or mean of.
        low: Lower end of its 95 % bootstrap interval over pictures.
        high: Upper end.
    """

    value: float
    n: int
    low: float
    high: float

    def __str__(self) -> str:
        """The share and its interval."""
        return f"{self.value:.1f} % ({self.low:.1f} to {self.high:.1f})"


class Amount(Figure):
    """A mean that is no share, in a unit of its own: objects, pixels."""

    def __str__(self) -> str:
        """The mean and its interval."""
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class ScoredAnswer:
    """A prediction, how it was read and what it earns.

    Attributes:
        prediction: The prediction.
        sample: The parsed answer and the typed truth.
        reward: The components of the named reward, and ``score``, their total.
    """

    prediction: Prediction
    sample: Sample
    reward: dict[str, float]


@dataclass(frozen=True)
class Answered:
    """The answers of a predictions file to the questions of one task.

    Attributes:
        scored: The answers.
        predictions: The file.
        parquet: The questions.
        reward: Name of the reward that they were scored with.
        stage: The existence stage that decided which were asked, if there was one.
        existence: Stages behind which they are measured too.
        masks: Masks that were made of the answers, if there are any.
    """

    scored: Sequence[ScoredAnswer]
    predictions: Path
    parquet: Path
    reward: str
    stage: ExistenceStage | None = None
    existence: Sequence[str] = ()
    masks: Path | None = None


@dataclass(frozen=True)
class AnswerStatistics:
    """What the answers to any task are counted by.

    Attributes:
        reward_name: The reward that ``reward`` is the mean of.
        reward: Mean total reward over the questions.
        format_rate: Share of the answers in the asked-for format, 0 to 1.
        outcomes: How many answers had each parse outcome.
        failed: Answers in which nothing could be read: malformed, or none at all. They count as wrong.
        cut_answers: Answers that ended at the token limit.
    """

    reward_name: str
    reward: float
    format_rate: float
    outcomes: dict[str, int]
    failed: int
    cut_answers: int

    def __str__(self) -> str:
        """One line for a terminal."""
        outcomes = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in self.outcomes.items())
        return f"reward {self.reward_name} {self.reward:.3f}, format {self.format_rate:.1%}; answers: {outcomes}"


class Result(Protocol):
    """What evaluating the predictions of one task gives."""

    @property
    def task(self) -> str:
        """The task."""

    def figures(self) -> Mapping[str, Figure | None]:
        """The main figures by name; ``None`` where the data do not have what it takes."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dictionary: ``task``, ``n``, the figures under their names, and what else there is to say."""

    def table(self) -> RenderableType:
        """What a person asks for first, for a terminal."""


@dataclass(frozen=True)
class Measured:
    """A result that is nothing but figures, as that of most tasks.

    Attributes:
        task: The task.
        n: Questions asked.
        measured: The main figures by name; ``None`` where the data do not have what it takes.
        answers: What the answers are counted by.
        strata: The same figures by kind of question, for the kinds that were asked.
    """

    task: str
    n: int
    measured: Mapping[str, Figure | None]
    answers: AnswerStatistics
    strata: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)

    def figures(self) -> Mapping[str, Figure | None]:
        """The main figures."""
        return self.measured

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dictionary, the figures and the statistics of the answers at the top."""
        content = asdict(self)
        measured, answers, strata = (content.pop(key) for key in ("measured", "answers", "strata"))
        return {**content, **measured, **({"strata": strata} if strata else {}), **answers}

    def table(self) -> RenderableType:
        """A line a figure, those of all questions first."""
        by_stratum = {f"{name}, {kind}": figure for kind, own in self.strata.items() for name, figure in own.items()}
        caption = f"{self.answers.failed} of {self.n} answers could not be read; {self.answers}"
        return figures_table(f"{self.task}, {self.n} questions", {**self.measured, **by_stratum}, caption)


def score_answers(predictions: Iterable[Prediction], task: str, reward: str, source: Path) -> list[ScoredAnswer]:
    """Read each response beside its truth and compute its named reward.

    Raises:
        UserError: The reward is unknown or does not know the task, or a ground truth cannot be read.
    """
    loaded, scored = load_reward(reward), []
    for prediction in predictions:
        try:
            sample = make_sample(
                task, prediction.response, prediction.ground_truth, image_size=(prediction.width, prediction.height)
            )
        except UserError as error:
            raise UserError(f"{source}: line {prediction.line}: {error}") from error
        scored.append(ScoredAnswer(prediction, sample, loaded(sample)))
    return scored


def answer_statistics(scored: Sequence[ScoredAnswer], reward: str) -> AnswerStatistics:
    """Count what answers have in common; ``scored`` must not be empty."""
    outcomes = [item.sample.answer.outcome for item in scored]
    return AnswerStatistics(
        reward_name=reward,
        reward=fmean(item.reward["score"] for item in scored),
        format_rate=fmean(item.sample.answer.has_format for item in scored),
        outcomes=dict(sorted(Counter(outcome.value for outcome in outcomes).items())),
        failed=sum(outcome in (Outcome.MALFORMED, Outcome.NO_ANSWER) for outcome in outcomes),
        cut_answers=sum(item.prediction.finish_reason == "length" for item in scored),
    )


def mean_figure(values: Sequence[float], images: Sequence[Hashable]) -> Figure:
    """The mean of shares, one a question, in percent."""
    return ratio_figure(values, [1.0] * len(values), images)


def ratio_figure(numerators: Sequence[float], denominators: Sequence[float], images: Sequence[Hashable]) -> Figure:
    """``100 sum(numerators) / sum(denominators)``, one of each a question; the denominators must not all be 0.

    Example:
        >>> ratio_figure([1, 1], [1, 3], ["a", "b"]).value
        50.0
    """
    interval = share_interval(numerators, denominators, images)
    value = sum(numerators) / sum(denominators)
    return Figure(100 * value, len(images), 100 * interval.low, 100 * interval.high)


def amount(values: Sequence[float], images: Sequence[Hashable]) -> Amount:
    """The mean of what is no share, one a question, in its own unit.

    Example:
        >>> amount([0, 1, 5], ["a", "b", "c"]).value
        2.0
    """
    interval = mean_interval(values, images)
    return Amount(fmean(values), len(images), interval.low, interval.high)


def percent(value: float | None) -> str:
    """A figure in percent for a table."""
    return "n/a" if value is None else f"{value:.1f}"


def figures_table(title: str, figures: Mapping[str, Figure | None], caption: str) -> Table:
    """A line a figure: value, interval, n; of an `Amount`, which is no percentage, it is said."""
    table = Table(title=title, title_justify="left", caption=Text(caption), caption_justify="left", box=SIMPLE_HEAD)
    table.add_column("%")
    for heading in ("value", "95 % interval", "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, figure in figures.items():
        name += " (no %)" if isinstance(figure, Amount) else ""
        if figure is None:
            table.add_row(name, "n/a", "", "")
        else:
            table.add_row(name, f"{figure.value:.2f}", f"{figure.low:.2f} to {figure.high:.2f}", str(figure.n))
    return table
