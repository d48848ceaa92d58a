# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft eval`` and ``visual-rft segment``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from verl_visual_rft.errors import UserError
from verl_visual_rft.terminal import make_console, say

EVAL_EPILOG = (
    "\b\nExamples:\n"
    "  visual-rft eval run/predictions.jsonl --data run/data --out run/metrics.json\n"
    "  visual-rft eval run/predictions.jsonl --data data/lisa --masks run/masks.jsonl --out run/metrics.json\n"
    "  visual-rft eval run/predictions.jsonl --data run/data --out run/metrics.json --existence oracle\n"
    "  visual-rft eval run?/predictions.jsonl --data run/data --out metrics.json   (runs with different seeds)"
)
SEGMENT_EPILOG = (
    "\b\nExample:\n"
    "  visual-rft segment run/predictions.jsonl --data data/lisa --out run/masks.jsonl --sam facebook/sam-vit-huge"
)


def evaluate(
    predictions: Annotated[
        list[Path], typer.Argument(help="File that `visual-rft predict` wrote; several are runs of one experiment.")
    ],
    data: Annotated[Path, typer.Option(help="Prepared folder that was asked about.")],
    out: Annotated[Path, typer.Option(help="Metrics to write (JSON).")],
    task: Annotated[str, typer.Option(help="Only the answers to this task; auto: the file's only one.")] = "auto",
    reward: Annotated[str, typer.Option(help="Named reward to report the mean of.")] = "robust",
    masks: Annotated[
        Path | None, typer.Option(help="Grounding: masks that `visual-rft segment` made, for gIoU and cIoU.")
    ] = None,
    existence: Annotated[
        list[str] | None,
        typer.Option(help="Detection, all asked: also AP behind this stage, oracle or a map FILE; may be given again."),
    ] = None,
) -> None:
    """Measure predictions: AP, accuracies, or IoU of boxes and masks. Needs no GPU, torch or veRL.

    All questions must be answered, once; behind `predict --existence`, all that were asked. Every figure comes with its
    n and a 95 % bootstrap interval; several files also give mean and standard deviation.
    """
    from verl_visual_rft.atomic import write_json
    from verl_visual_rft.evaluation.evaluate import evaluate as run
    from verl_visual_rft.evaluation.runs import over_runs

    console = make_console()
    if len(predictions) == 1:
        evaluation = run(predictions[0], data, reward, task, masks, existence or ())
        evaluation.write(out)
        console.print(evaluation.result.table())
        return
    if masks is not None:
        raise UserError("masks belong to one predictions file; evaluate the runs one by one")
    evaluations = {str(path): run(path, data, reward, task, existence=existence or ()) for path in predictions}
    content, table = over_runs(evaluations, out)
    write_json(out, content)
    console.print(table)


def segment(
    predictions: Annotated[Path, typer.Argument(help="Answers to grounding questions.")],
    data: Annotated[Path, typer.Option(help="Prepared folder that was asked about.")],
    out: Annotated[Path, typer.Option(help="Masks to write (JSON lines); an interrupted file is continued.")],
    sam: Annotated[str, typer.Option(help="SAM in Hugging Face format, a folder or a name.")] = "facebook/sam-vit-huge",
    device: Annotated[str, typer.Option(help="auto, or a name that torch knows.")] = "auto",
) -> None:
    """Make a mask of every answered box with SAM, for gIoU and cIoU."""
    from verl_visual_rft.evaluation.sam import segment_predictions

    result = segment_predictions(predictions, data, out, sam, device)
    say(f"{result.out}: {result.n} answers, {result.without_box} of them without a box")
