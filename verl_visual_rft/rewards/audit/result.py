# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The outcome of an audit, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verl_visual_rft.rewards.audit.mixtures import ahead
from verl_visual_rft.rewards.audit.tournament import Contest, Lead
from verl_visual_rft.tasks import load_task
from verl_visual_rft.tasks.audited import Mixture, audited

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("policy", "score", "lead over honesty", "", "what it tries")
MOST_NAMED = 4
STRATA_COLUMNS = ("questions", "n", "honest", "its score", "first of the cheats", "clearly ahead", "ahead, but right")


@dataclass(frozen=True)
class AuditResult:
    """The contests of all audited tasks.

    Attributes:
        reward: The name of the reward.
        source: Where the questions are from.
        contests: One for each task and skill.
    """

    reward: str
    source: str
    contests: tuple[Contest, ...]

    @property
    def moderate(self) -> tuple[Contest, ...]:
        """Those against the honest policy of moderate skill."""
        return tuple(contest for contest in self.contests if contest.skill == "moderate")

    @property
    def beaten(self) -> bool:
        """Whether any cheat beats the moderate honest policy in any task."""
        return any(contest.beaten for contest in self.moderate)

    def tables(self) -> list[Table]:
        """Return for each task a table of all cheats, who earns most on top, and those by kinds and mixtures."""
        from rich.table import Table

        tables = []
        for contest in self.moderate:
            table = Table(*COLUMNS, title=self._title(contest))
            for style, cells in _rows(contest):
                table.add_row(*cells, style=style)
            by_kind = Table(*STRATA_COLUMNS, title=f"{self.reward}, {contest.task}: by kinds of questions")
            for cells in self._by_kind(contest.task):
                by_kind.add_row(*cells)
            tables += [table, by_kind]
            if mixtures := list(self._by_mixture(contest.task)):
                by_mixture = Table(
                    *self._mixture_columns(contest.task), title=f"{self.reward}: who is ahead by mixture"
                )
                for cells in mixtures:
                    by_mixture.add_row(*cells)
                tables.append(by_mixture)
        return tables

    def to_markdown(self) -> str:
        """Return the same as Markdown: a heading and the tables of each task."""
        sections = []
        for contest in self.moderate:
            policies = _markdown_table(COLUMNS, "|---|---:|---:|---|---|", (cells for _, cells in _rows(contest)))
            kinds = _markdown_table(STRATA_COLUMNS, "|---|---:|---|---:|---|---|---|", self._by_kind(contest.task))
            section = f"### {self._title(contest)}\n\n{policies}\nBy kinds of questions:\n\n{kinds}"
            if mixtures := list(self._by_mixture(contest.task)):
                columns = self._mixture_columns(contest.task)
                table = _markdown_table(columns, f"|{'---|' * len(columns)}", mixtures)
                section += f"\nWho is clearly ahead, by mixture of questions:\n\n{table}"
            sections.append(section)
        return "\n".join(sections)

    def _by_kind(self, task: str) -> Iterator[tuple[str, ...]]:
        """Yield a line for each kind of questions and skill."""
        contests = [contest for contest in self.contests if contest.task == task]
        for kind in contests[0].strata:
            for contest in contests:
                yield _kind_cells(contest, kind)

    def _mixture_columns(self, task: str) -> tuple[str, ...]:
        columns = audited(load_task(task)).mixture_columns
        return *columns, *(f"{contest.skill} honesty" for contest in self.contests if contest.task == task)

    def _by_mixture(self, task: str) -> Iterator[tuple[str, ...]]:
        """Yield a line for each mixture of questions of the kinds that were asked."""
        contests = [contest for contest in self.contests if contest.task == task]
        for mixture in audited(load_task(task)).mixtures:
            if mixture.shares.keys() <= contests[0].strata.keys():
                yield *mixture.cells, *(_mixture_cell(mixture, contest) for contest in contests)

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


def _kind_cells(contest: Contest, kind: str) -> tuple[str, ...]:
    """Say how honesty fares on one kind of questions, and who is ahead of it.

    The first of the cheats is named with its lead wherever that is; the others where they are ahead by more than two
    standard errors. Policies that are right on such questions are named apart.
    """
    stratum = contest.strata[kind]
    leads = {standing.policy.name: standing.leads[kind] for standing in contest.standings}
    order = sorted(leads, key=lambda name: leads[name].mean, reverse=True)
    cheats = [name for name in order if not leads[name].is_right]
    others = {name: leads[name] for name in cheats[1:] if leads[name].is_clear}
    right = {name: leads[name] for name in order if leads[name].is_right and leads[name].is_clear}
    clearly = "yes" if leads[cheats[0]].is_clear else "no"
    also = f"{clearly}; {_named(others)}" if others else clearly
    score = _with_error(stratum.score, stratum.error, "")
    return kind, str(stratum.n), contest.skill, score, _named({cheats[0]: leads[cheats[0]]}), also, _named(right)


def _mixture_cell(mixture: Mixture, contest: Contest) -> str:
    """Name who is ahead; in brackets those that are right on such questions."""
    leads = ahead(mixture, contest)
    cheats, right = ({name: lead for name, lead in leads.items() if lead.is_right is kind} for kind in (False, True))
    return "; ".join([*([_named(cheats)] if cheats else []), *([f"({_named(right)})"] if right else [])]) or "none"


def _named(leads: Mapping[str, Lead]) -> str:
    """Say the leads of the first of some cheats, and how many more there are."""
    named = [f"{name} {_with_error(lead.mean, lead.error, '+')}" for name, lead in [*leads.items()][:MOST_NAMED]]
    further = len(leads) - len(named)
    return "; ".join([*named, *([f"and {further} more"] if further else [])])


def _with_error(value: float, error: float, sign: str) -> str:
    return f"{value:{sign}.3f} ± {error:.3f}"


def _markdown_table(columns: Sequence[str], rule: str, rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"{line}\n" for line in (_markdown_row(columns), rule, *map(_markdown_row, rows)))


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
