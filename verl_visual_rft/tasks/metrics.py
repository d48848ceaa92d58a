# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What answers to a task are measured by: the contract of a task's heavy part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from verl_visual_rft.tasks.registry import load_part
from verl_visual_rft.tasks.sample import Sample
from verl_visual_rft.tasks.task import Task

if TYPE_CHECKING:
    from verl_visual_rft.evaluation.results import Answered, Result


class TaskMetrics(ABC):
    """Measures answers, quickly while a run trains and in full with ``visual-rft eval``.

    Attributes:
        columns: Figures of the summary table in their order: key in metrics.json -> heading. A figure is a number or
            ``{"value": ..., "low": ..., "high": ...}``.
        later: Figures that metrics files of before do not have.
        optional: Figures that are no column of the table where no method has them.
        formats: Format of a figure that is no percentage with one decimal place.
        caption: What the figures are, for people.
        options: What of `Answered` beside the answers this task can use: "masks", "existence".
    """

    columns: ClassVar[Mapping[str, str]]
    later: ClassVar[frozenset[str]] = frozenset()
    optional: ClassVar[frozenset[str]] = frozenset()
    formats: ClassVar[Mapping[str, str]] = {}
    caption: ClassVar[str]
    options: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def quick(self, samples: Sequence[tuple[str, Sample]]) -> dict[str, float]:
        """Measure the first responses to validation questions, in percent, without intervals.

        Args:
            samples: Category and parsed response of each question; an empty response for one that failed to come.

        Returns:
            Figures by the names of `Task.quick`, perhaps others.
        """

    @abstractmethod
    def measure(self, answered: Answered) -> Result:
        """Measure the answers of a predictions file, all to this task and at least one.

        Raises:
            UserError: The data lack something, or are other data than were asked about.
        """


def metrics_of(task: Task[Any, Any]) -> TaskMetrics:
    """Load what a task measures answers by.

    Raises:
        UserError: It cannot be loaded.
    """
    loaded: TaskMetrics = load_part(task.metrics)
    return loaded
