# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``report.html``: the table, the curves and the pictures of one experiment in one file that needs no network."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.atomic import write_text
from verl_visual_rft.evaluation.detection import ScoredPrediction, score_predictions
from verl_visual_rft.evaluation.gallery import by_question, choose_questions, make_card
from verl_visual_rft.evaluation.predictions import read_predictions
from verl_visual_rft.evaluation.prepared import read_pictures
from verl_visual_rft.evaluation.summary import METHODS, read_summary, table_cells


@dataclass(frozen=True)
class ReportResult:
    """The report that was written: where, how large in bytes, with how many pictures."""

    out: Path
    size: int
    pictures: int


def build_report(
    out: Path,
    *,
    summary: Path,
    predictions: Mapping[str, Path],
    data: Path,
    reward: str,
    curves: Path | None = None,
    pictures: int = 24,
    title: str = "Visual-RFT",
) -> ReportResult:
    """Write the report of one experiment.

    Args:
        out: HTML file to write.
        summary: ``summary.json`` of the experiment.
        predictions: Method (``base``, ``sft``, ``rft``) to its predictions on ``data``; at least one.
        data: Evaluation parquet, for the pictures.
        reward: Named reward that the answers are explained with.
        curves: ``curves.png``, or ``None`` where nothing was trained.
        pictures: How many questions the gallery shows at most.
        title: Heading of the page.

    Raises:
        UserError: An input is missing or malformed, or the methods answered different questions.
    """
    if not predictions:
        raise UserError(f"no predictions to report on; give those of one or more of {list(METHODS)}")
    result = read_summary(summary)
    scored = {method: score_predictions(read_predictions(path), reward) for method, path in predictions.items()}
    questions = by_question(scored)
    groups = choose_questions(questions, pictures)
    first = next(iter(questions.values()))
    originals = read_pictures(data, [first[key].prediction.index for group in groups for key in group.questions])
    gallery = [
        (group, [make_card(key, questions, originals[first[key].prediction.index]) for key in group.questions])
        for group in groups
    ]
    environment = Environment(
        loader=PackageLoader("verl_visual_rft.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("report.html.j2").render(
        title=title,
        summary=result,
        table=table_cells(result),
        outcomes=_outcome_cells({method: scored[method] for method in questions}),
        curves=None if curves is None else _png_data_uri(curves),
        reward_name=reward,
        gallery=gallery,
        methods=[METHODS[method] for method in questions],
        n=len(first),
    )
    write_text(out, html)
    return ReportResult(out, out.stat().st_size, sum(len(group.questions) for group in groups))


def _outcome_cells(scored: Mapping[str, Sequence[ScoredPrediction]]) -> list[list[str]]:
    counts = {method: Counter(item.answer.outcome.value for item in items) for method, items in scored.items()}
    names = sorted({name for count in counts.values() for name in count})
    lines = [[METHODS[method], *(str(count[name]) for name in names)] for method, count in counts.items()]
    return [["method", *(name.replace("_", " ") for name in names)], *lines]


def _png_data_uri(path: Path) -> str:
    if not path.is_file():
        raise UserError(f"{path}: no such file; draw the curves first")
    return "data:image/png;base64," + b64encode(path.read_bytes()).decode()
