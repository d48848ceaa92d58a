# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The ``visual-rft`` command. Each command parses its arguments and calls the room that does the work."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from verl_visual_rft import __version__
from verl_visual_rft.cli import data as data_commands
from verl_visual_rft.cli import reward, task
from verl_visual_rft.cli.evaluation import (
    EVAL_EPILOG,
    PREDICT_EPILOG,
    REPORT_EPILOG,
    SEGMENT_EPILOG,
    evaluate,
    predict,
    report,
    segment,
)
from verl_visual_rft.cli.experiments import PLAN_EPILOG, RUN_EPILOG, WATCH_EPILOG, plan, recipes, run, watch
from verl_visual_rft.errors import UserError, system_errors_are_the_users
from verl_visual_rft.terminal import say

app = typer.Typer(
    name="visual-rft",
    help="Visual reinforcement fine-tuning with veRL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(reward.app, name="reward")
app.add_typer(data_commands.app, name="data")
app.add_typer(task.app, name="task")


def main() -> None:
    """Run the command line; a `UserError` is printed without traceback and exits with status 2."""
    try:
        with system_errors_are_the_users():
            app()
    except UserError as error:
        say(f"visual-rft: error: {error}", error=True)
        sys.exit(2)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def doctor(
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Leave out the start of Ray; to import torch, veRL and vLLM still takes half a minute."
        ),
    ] = False,
) -> None:
    """Prove that this machine can train, or say what to mend."""
    from verl_visual_rft import doctor as checks

    raise typer.Exit(checks.run(device, quick=quick))


app.command()(recipes)
app.command(epilog=RUN_EPILOG)(run)
app.command(epilog=PREDICT_EPILOG)(predict)
app.command("eval", epilog=EVAL_EPILOG)(evaluate)
app.command(epilog=SEGMENT_EPILOG)(segment)
app.command(epilog=REPORT_EPILOG)(report)
app.command(epilog=PLAN_EPILOG)(plan)
app.command(epilog=WATCH_EPILOG)(watch)


if __name__ == "__main__":
    main()
