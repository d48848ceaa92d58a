# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft watch``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from verl_visual_rft.terminal import make_console

WATCH_EPILOG = (
    "\b\nExamples:\n  visual-rft watch outputs/quickstart/rft\n  visual-rft watch outputs/quickstart/rft --once"
)


def watch(
    run: Annotated[Path, typer.Argument(help="Folder of a training run: the one with metrics.1.jsonl and log.txt.")],
    once: Annotated[bool, typer.Option("--once", help="Print the state and end.")] = False,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between looks at the metrics.")] = 2.0,
) -> None:
    """Watch a training run: progress, reward curves, answers, seconds by stage, warnings. Changes nothing."""
    from rich.live import Live

    from verl_visual_rft.training.monitoring.terminal import read_run, render

    console, state = make_console(), read_run(run)
    if once or state.finished or not console.is_terminal:
        console.print(render(state))
        return
    try:
        with Live(render(state), console=console, auto_refresh=False) as live:
            while not state.finished:
                time.sleep(every)
                state = read_run(run)
                live.update(render(state), refresh=True)
    except KeyboardInterrupt:
        return
