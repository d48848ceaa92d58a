# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``report.html``: the tables, the curves and the pictures of one experiment in one file that needs no network."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from verl_visual_rft.atomic import write_text
from verl_visual_rft.evaluation.predictions import read_existence_stage, read_predictions
from verl_visual_rft.evaluation.prepared import read_pictures
from verl_visual_rft.evaluation.report.curves import report_curves
from verl_visual_rft.evaluation.report.gallery import Answers, QuestionCard, choose_rows, common_rows, make_card
from verl_visual_rft.evaluation.report.pictures import data_uris
from verl_visual_rft.evaluation.report.reliability import draw_reliability
from verl_visual_rft.evaluation.report.sections import (
    calibration_cells,
    class_cells,
    confusion_cells,
    existence_cells,
    outcome_cells,
)
from verl_visual_rft.evaluation.report.summary import Summary, seed_label, table_cells
from verl_visual_rft.evaluation.tables.measured import Measurement
from verl_visual_rft.evaluation.tables.paper import METHODS
from verl_visual_rft.evaluation.training_log import TrainingLog
from verl_visual_rft.pages import templates_of
from verl_visual_rft.rewards import Reward, load_reward
from verl_visual_rft.rewards.explain import Component, explain
from verl_visual_rft.tasks import load_task
from verl_visual_rft.tasks.findings import Finding

#: Bytes of a page at most, as long as its text leaves the pictures some of them.
LARGEST_PAGE = 14_000_000
#: Characters of a picture's data URI, on average at most: more is not seen at the size at which it is shown.
LARGEST_PICTURE = 90_000


@dataclass(frozen=True)
class ReportResult:
    """The report that was written: where, how large in bytes, with how many questions."""

    out: Path
    size: int
    questions: int


def build_report(
    out: Path,
    *,
    summary: Summary,
    measurements: Sequence[Measurement],
    data: Path,
    reward: str,
    log: TrainingLog,
    pictures: int = 24,
    title: str = "Visual-RFT",
) -> ReportResult:
    """Write the report of one experiment.

    Args:
        out: HTML file to write.
        summary: Of the experiment.
        measurements: One a method, at least one; ``predictions.jsonl`` lies beside each metrics file.
        data: Evaluation parquet, for the pictures.
        reward: Named reward that the answers are explained with.
        log: Training log; empty where nothing was trained.
        pictures: How many questions the gallery shows at most.
        title: Heading of the page.

    Raises:
        UserError: An input is missing or malformed, or the methods answered different questions.
    """
    loaded = load_reward(reward)
    files = {m.method: m.path.with_name("predictions.jsonl") for m in measurements}
    predictions = {method: read_predictions(file) for method, file in files.items()}
    answers, left_out = common_rows(predictions, gated=any(map(read_existence_stage, files.values())))
    groups = choose_rows(answers, loaded, pictures)
    rows = [row for group in groups for row in group.rows]
    cards = {row: make_card(row, answers, loaded) for row in rows}
    originals = read_pictures(data, rows)
    shown = {row: hashlib.sha256(originals[row]).hexdigest()[:16] for row in rows}
    unique = {shown[row]: originals[row] for row in rows}

    environment = templates_of("verl_visual_rft.evaluation.report")
    script = environment.get_template("report.js").render()
    template = environment.get_template("report.html.j2")
    content = {
        "title": title,
        "summary": summary,
        "is_drawn": load_task(summary.task).coordinates,
        "table": table_cells(summary, intervals=True),
        "outcomes": outcome_cells(measurements),
        "per_class": class_cells(measurements),
        "confusions": confusion_cells(measurements),
        "calibration": calibration_cells(measurements),
        "reliability": draw_reliability(measurements),
        "existence": existence_cells(measurements),
        "warnings": [(METHODS[m.method], text) for m in measurements for text in m.metrics.get("warnings", ())],
        "curves": report_curves(log),
        "reward": reward,
        "seed": seed_label(summary.seed),
        "formulas": _formulas(answers, rows, loaded),
        "gallery": [(group, [(cards[row], shown[row]) for row in group.rows]) for group in groups],
        "categories": sorted({card.category for card in cards.values() if load_task(card.task).asks_by_name}),
        "findings": _findings(cards.values()),
        "methods": {method: METHODS[method] for method in answers},
        "n": len(next(iter(answers.values()))),
        "left_out": left_out,
        "sizes": {shown[row]: (cards[row].width, cards[row].height) for row in rows},
        "script_sha256": b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }
    text = template.render(content, pictures=dict.fromkeys(unique, ""))
    budget = min(LARGEST_PAGE - len(text.encode()), LARGEST_PICTURE * len(unique))
    uris = dict(zip(unique, data_uris(list(unique.values()), max(budget, 0)), strict=True))
    write_text(out, template.render(content, pictures=uris))
    return ReportResult(out, out.stat().st_size, len(rows))


def _formulas(answers: Answers, rows: Iterable[int], reward: Reward) -> dict[str, list[Component]]:
    """What the reward is made of, once for each task."""
    asked = next(iter(answers.values()))
    formulas: dict[str, list[Component]] = {}
    for item in (asked[row] for row in rows):
        if item.task not in formulas:
            explained = explain(item.task, item.response, item.ground_truth, reward, image_size=item.size)
            formulas[item.task] = [part for part in (*explained.components, explained.total) if part.formula]
    return formulas


def _findings(cards: Iterable[QuestionCard]) -> list[str]:
    """The findings that occur, in the order of `Finding`."""
    found = {finding for card in cards for panel in card.panels for finding in panel.findings}
    return [finding.value for finding in Finding if finding in found]
