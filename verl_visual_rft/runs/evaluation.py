# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The stages that ask a model questions and measure its answers, and the one before: its export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from verl_visual_rft.runs.commands import Command, export_command
from verl_visual_rft.runs.stages import Stage


def export_stage(name: str, title: str, run: Path, model: str) -> Stage:
    """Return the stage that makes RUN/hf of a training's last checkpoint; MODEL is what was trained."""
    return Stage(f"{name}_export", title, export_command(run, model), kind="export", log=run / "export.log")


@dataclass(frozen=True)
class Questions:
    """What a model is asked, and how its answers are measured."""

    data: Path  #: Folder of the prepared rows.
    split: str  #: The file SPLIT.parquet in it.
    reward: str  #: Named reward that is measured, too.
    sampling: tuple[str, ...]  #: Options of ``visual-rft predict``.
    existence: Path | None = None  #: Published map that says what is asked; None: the rows do.
    sam: str = ""  #: Model that makes masks of the answered boxes; empty: none.


def evaluation_stages(
    output: Path, place: str, title: str, model: str, questions: Questions, after: str = ""
) -> list[Stage]:
    """Return the stages of answers, masks and metrics; nothing builds on them.

    Args:
        output: Folder of the run.
        place: METHOD or METHOD/SET: they write to ``OUTPUT/eval/PLACE``.
        title: For people.
        model: Folder of the model.
        questions: What it is asked.
        after: The stage that the model comes from.
    """
    out, name = output / "eval" / place, place.replace("/", "_")
    answers, masks = out / "predictions.jsonl", out / "masks.jsonl"
    rows = questions.data / f"{questions.split}.parquet"
    predict: Command = ("--model", model, "--data", str(rows), "--out", str(answers), *questions.sampling)
    measure: Command = ("--data", str(questions.data), "--out", str(out / "metrics.json"), "--reward", questions.reward)
    if questions.existence:
        measure += ("--existence", str(questions.existence))
    log = out / "log.txt"
    command: Command = ("visual-rft", "predict", *predict)
    stages = [Stage(f"predict_{name}", f"{title}: answers", command, "eval", after, log, answers=answers)]
    if questions.sam:
        command = ("visual-rft", "segment", str(answers), "--data", str(questions.data), "--out", str(masks))
        command += ("--sam", questions.sam)
        stages.append(Stage(f"segment_{name}", f"{title}: masks", command, "eval", log=log, answers=masks))
        measure += ("--masks", str(masks))
    command = ("visual-rft", "eval", str(answers), *measure)
    stages.append(Stage(f"eval_{name}", f"{title}: metrics", command, "eval", output=out / "metrics.txt"))
    return stages
