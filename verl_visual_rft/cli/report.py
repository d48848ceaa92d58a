# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft report``: what runs measured, as a page to look at or beside a table of the paper."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from verl_visual_rft.errors import UserError
from verl_visual_rft.terminal import say

REPORT_EPILOG = (
    "\b\nExamples:\n  visual-rft report outputs/quickstart\n"
    "  visual-rft report outputs/coco_ov_2b_seed0 outputs/coco_ov_2b_seed1 --table 7\n"
    "  visual-rft report outputs/flowers102_2b outputs/pets37_2b --table 2 --shots 4 --format latex > table2.tex"
)


class Format(str, Enum):
    """How a table is printed."""

    markdown = "markdown"
    csv = "csv"
    latex = "latex"


class PaperModel(str, Enum):
    """Whose rows of the paper's tables are shown."""

    qwen2_vl_2b = "2b"
    qwen2_vl_7b = "7b"


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of recipes' runs.")],
    table: Annotated[int | None, typer.Option(help="Print the runs beside this table of the paper, 2 to 8.")] = None,
    format: Annotated[Format, typer.Option(help="Of --table.")] = Format.markdown,
    paper_model: Annotated[PaperModel, typer.Option(help="With --table: whose rows of it.")] = PaperModel.qwen2_vl_2b,
    shots: Annotated[int | None, typer.Option(help="With --table: which rows of it; else those of the data.")] = None,
    reward: Annotated[str, typer.Option(help="Named reward that the answers are explained with.")] = "robust",
    seed: Annotated[int | None, typer.Option(help="Seed of the run; else that of its data.")] = None,
    pictures: Annotated[int, typer.Option(help="Questions in the gallery.")] = 24,
) -> None:
    """Write summary.json, curves.png and report.html of a run and print its table; or compare runs with the paper.

    A run with several evaluation sets (eval/METHOD/SET/metrics.json) has a page for each: report-SET.html.
    """
    if table is not None:
        from verl_visual_rft.evaluation.tables import FORMATS, compare, paper_table, read_measurements

        comparison = compare(paper_table(table), read_measurements(runs), paper_model.value, shots)
        say(FORMATS[format.value](comparison), end="")
        return
    if len(runs) > 1:
        raise UserError("a page is about one run; give one, or --table N to compare several with the paper")
    from verl_visual_rft.evaluation.report.run import write_run_report

    write_run_report(runs[0], reward=reward, seed=seed, pictures=pictures)
