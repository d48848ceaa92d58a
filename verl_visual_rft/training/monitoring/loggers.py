# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Sample rollouts in the loggers of a run that take more than numbers (verl 0.9.1 ``utils/tracking.py``)."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from verl_visual_rft.terminal import say
from verl_visual_rft.training.monitoring.samples import Rollout

_TRUTH, _ANSWER = "#1fd18e", "#ff9f1c"


def show_samples(loggers: Mapping[str, Any], step: int, page: Path, rollouts: Sequence[Rollout]) -> None:
    """Hand rollouts to the loggers: the path to the console, the page to wandb and trackio, the rest to tensorboard.

    Tensorboard takes no pages and gets pictures and text. Other loggers get nothing: the file is in the run's folder.

    Args:
        loggers: ``Tracking.logger``: veRL's loggers by name.
        step: The training step.
        page: The HTML file.
        rollouts: What it shows.
    """
    if "console" in loggers:
        say(f"visual-rft: step {step}: {len(rollouts)} responses in {page}")
    if "wandb" in loggers:
        import wandb

        loggers["wandb"].log({"samples": wandb.Html(str(page))}, step=step)
    if "trackio" in loggers:
        import trackio

        trackio.log({"samples": trackio.Html(page.read_text(encoding="utf-8"))}, step=step)
    if "tensorboard" in loggers:
        _to_tensorboard(loggers["tensorboard"].writer, step, rollouts)


def _to_tensorboard(writer: Any, step: int, rollouts: Sequence[Rollout]) -> None:
    import numpy as np

    for number, rollout in enumerate(rollouts):
        if rollout.question.picture:
            writer.add_image(f"samples/{number}", np.asarray(draw(rollout)), step, dataformats="HWC")
        lines = [rollout.question.title, *(f"{name} {value:.3f}" for name, value in rollout.components)]
        text = "\n".join([f"reward {rollout.score:.3f}", *lines, "", rollout.response])
        indented = "\n".join(f"    {line}" for line in text.splitlines())  # Markdown's literal text: nothing is markup
        writer.add_text(f"samples/{number}", indented, step)


def draw(rollout: Rollout) -> Any:
    """Draw the truth and the answer, with their labels, on the picture (a ``PIL.Image.Image``)."""
    from PIL import ImageDraw

    from verl_visual_rft.image_files import open_picture
    from verl_visual_rft.tasks.marks import Shape

    question = rollout.question
    with open_picture(b64decode(question.picture.partition(",")[2])) as opened:
        image = opened.convert("RGB")
    across, down = image.width / question.width, image.height / question.height
    pen = ImageDraw.Draw(image)
    for marks, colour, width in ((question.truth, _TRUTH, 5), (rollout.marks, _ANSWER, 2)):
        for mark in marks:
            points = [(x * across, y * down) for x, y in mark.points]
            if mark.shape is Shape.BOX:
                pen.rectangle(points, outline=colour, width=width)
            elif mark.shape is Shape.POINT:
                pen.circle(points[0], mark.radius * across, outline=colour, width=width)
            else:
                pen.polygon(points, outline=colour, width=width)
    for marks, colour, below in ((question.truth, _TRUTH, -13), (rollout.marks, _ANSWER, 3)):
        for mark in marks:
            inwards = 3 if mark.anchor == "start" else -3 - pen.textlength(mark.label)
            place = (mark.label_x * across + inwards, max(mark.label_y * down + below, 0))
            pen.text(place, mark.label, fill=colour, stroke_width=2, stroke_fill="black")
    return image
