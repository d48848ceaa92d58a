# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The outcome of an audit, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verl_visual_rft.rewards.audit.tournament import Contest

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("policy", "score", "lead over honesty", "", "what it tries")


@dataclass(frozen=True)
class AuditResult:
    """The contests of all audited tasks.

    Attributes:
        reward: The name of the reward.
        source: Where the questions are from.
        contests: One for each task.
    """

    reward: str
    source: str
    contests: tuple[Contest, ...]

    @property
    def beaten(self) -> bool:
        """Whether any cheat beats honesty in any task."""
        return any(contest.beaten for contest in self.contests)

    def tables(self) -> list[Table]:
        """Return a table for each task, who earns most on top."""
        from rich.table import Table

        tables = []
        for contest in self.contests:
            table = Table(*COLUMNS, title=self._title(contest))
            for style, cells in _rows(contest):
                table.add_row(*cells, style=style)
            tables.append(table)
        return tables

    def to_markdown(self) -> str:
        """Return the same as Markdown: a heading and a table for each task."""
        sections = []
        for contest in self.contests:
            lines = [f"### {self._title(contest)}", "", _markdown_row(COLUMNS), "|---|---:|---:|---|---|"]
            lines += [_markdown_row(cells) for _, cells in _rows(contest)]
            sections.append("\n".join(lines) + "\n")
        return "\n".join(sections)

    def _title(self, contest: Contest) -> str:
        winners = sum(standing.beats_honesty for standing in contest.standings)
        verdict = f"{winners} of {len(contest.standings)} cheats beat honesty"
        return f"{self.reward}, {contest.task}: {verdict} ({contest.n_questions} questions, {self.source})"


def _rows(contest: Contest) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield style and cells of each line, honesty among the cheats."""
    honest = contest.honest
    honesty = (honest.name, _with_error(contest.honest_score, contest.honest_error, ""), "", "", honest.description)
    behind = [standing for standing in contest.standings if not standing.beats_honesty]
    for standing in contest.standings:
        if behind and standing is behind[0]:
            yield "bold green", honesty
        lead = _with_error(standing.lead, standing.lead_error, "+")
        verdict = "beats honesty" if standing.beats_honesty else ""
        cells = (standing.policy.name, f"{standing.score:.3f}", lead, verdict, standing.policy.description)
        yield "red" if standing.beats_honesty else "", cells
    if not behind:
        yield "bold green", honesty


def _with_error(value: float, error: float, sign: str) -> str:
    return f"{value:{sign}.3f} ± {error:.3f}"


def _markdown_row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
