# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft task``: list the tasks, begin one of one's own, prove that one keeps its contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from verl_visual_rft.errors import UserError
from verl_visual_rft.terminal import say

app = typer.Typer(help="The tasks: list them, begin one of your own, prove that one works.", no_args_is_help=True)


@app.command("list", epilog="\b\nExample:\n  visual-rft task list")
def list_tasks() -> None:
    """List the tasks: what is asked, a line of JSON about it, its rewards and its metrics, and whose it is."""
    from verl_visual_rft.tasks.registry import load_task, task_names, task_package

    for name in task_names():
        try:
            task = load_task(name)
        except UserError as error:
            say(f"{name}: cannot be used: {error}\n")
            continue
        say(f"{name}: {task.summary} ({task_package(name)})")
        if task.json_keys:
            say(f'  {{"image": "a.jpg", "task": "{name}", {task.json_example}}}')
        say(
            f"  rewards: {', '.join(sorted(task.rewards))}; components: {', '.join(task.components) or 'those of form'}"
        )
        say(f"  measured by: {', '.join(task.quick.values())}\n")


@app.command(
    epilog="\b\nExamples:\n  visual-rft task validate pointing\n  visual-rft task validate my_task --reward robust"
)
def validate(
    name: Annotated[str, typer.Argument(help="A task that `visual-rft task list` names.")],
    reward: Annotated[str, typer.Option(help="The reward that it is to be trained by.")] = "robust",
    seed: Annotated[int, typer.Option(help="Seed of the truths that are made up, and of the policies.")] = 0,
    size: Annotated[int, typer.Option(min=1, help="Questions that the cheats answer.")] = 150,
) -> None:
    """Prove that a task keeps its contract, from a JSON line to the audit; exit with 1 if it does not."""
    from verl_visual_rft.evaluation.task_contract import check_task

    breaches = check_task(name, reward, seed, size)
    for breach in breaches:
        say(f"{name}: {breach}")
    if breaches:
        raise typer.Exit(1)
    say(f"{name}: keeps its contract; reward {reward}, seed {seed}")


@app.command(
    epilog="\b\nExample:\n  visual-rft task new which_is_taller --out ~/taller\n"
    "  pip install -e ~/taller && visual-rft task validate which_is_taller"
)
def new(
    name: Annotated[str, typer.Argument(help="Of the task, an identifier: the row's ability.")],
    out: Annotated[Path | None, typer.Option(help="Folder to make (default: the name).")] = None,
) -> None:
    """Write a small package with a task that works, to be changed into yours, and its tests."""
    from verl_visual_rft.tasks.new import write_package

    folder = write_package(name, out or Path(name))
    say(f"{folder}: a package with the task {name!r}; next: pip install -e {folder} && visual-rft task validate {name}")
