# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft reward``: list the rewards, explain a score, try to cheat a reward."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import read_text
from verl_visual_rft.terminal import make_console, say

app = typer.Typer(help="The rewards: list them, explain a score, try to cheat one.", no_args_is_help=True)


@app.command(
    "list",
    epilog="\b\nExamples:\n  visual-rft reward list\n  visual-rft reward list --components",
)
def list_rewards(
    names: Annotated[list[str] | None, typer.Argument(help="Only these; each must be usable.")] = None,
    components: Annotated[
        bool, typer.Option("--components", help="What rewards are composed of, as in 'iou=1,format=0.5', instead.")
    ] = False,
) -> None:
    """List the named rewards: tasks, range of the total, what they are and which package they are from."""
    from rich import box
    from rich.table import Table

    from verl_visual_rft.rewards import load_reward, reward_names
    from verl_visual_rft.rewards.registry import component_names

    for name in names or ():
        load_reward(name)
    table = Table(box=box.SIMPLE_HEAD, leading=1)
    for heading in ("name", "task", "range"):
        table.add_column(heading, no_wrap=True)
    table.add_column("what it is", overflow="fold")
    table.add_column("package", no_wrap=True)
    for name in names or (sorted(component_names()) if components else reward_names()):
        table.add_row(*_describe(name))
    make_console().print(table)


@app.command(
    epilog="\b\nExamples:\n"
    "  visual-rft reward explain --task grounding --truth '{\"box\": [10, 20, 300, 400]}' \\\n"
    "      --response '<think> left </think> <answer>(10,20),(300,380)</answer>'\n"
    "  visual-rft reward explain --task detection --truth @truth.json --response @response.txt --reward robust\n"
    '  some-command | visual-rft reward explain --task classification --truth \'{"label": "rose"}\' --response - \\\n'
    "      --reward 'accuracy_equal=1,format=0.5'"
)
def explain(
    task: Annotated[str, typer.Option(help="Name of a task: visual-rft reward list.")],
    response: Annotated[str, typer.Option(help="The model's whole response: TEXT, @FILE, or - for standard input.")],
    truth: Annotated[str, typer.Option(help="The ground truth: JSON, a published solution, or @FILE.")],
    reward: Annotated[str, typer.Option(help="A name, 'iou=1,format=0.5', or a YAML file.")] = "robust",
) -> None:
    """Explain a score: how the response was read, which boxes match, and every component with its formula."""
    from verl_visual_rft.cli.explanation import render
    from verl_visual_rft.rewards.explain import explain as explain_score

    explanation = explain_score(task, _read(response, "--response"), _read(truth, "--truth"), reward)
    make_console().print(render(explanation))


@app.command(
    epilog="\b\nExamples:\n  visual-rft reward audit robust\n"
    "  visual-rft reward audit 'iou=1,format=0.5' --task detection --markdown"
)
def audit(
    name: Annotated[str, typer.Argument(help="A name, 'iou=1,format=0.5', or a YAML file.")] = "robust",
    task: Annotated[list[str] | None, typer.Option(help="Only this task; may be given again.")] = None,
    truths: Annotated[Path | None, typer.Option(help="Ground truths to play on; a built-in set without it.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the policies.")] = 0,
    size: Annotated[int, typer.Option(min=1, help="Ground truths a task at most.")] = 300,
    think: Annotated[
        bool, typer.Option("--think/--no-think", help="Whether the prompts ask for thinking before the answer.")
    ] = True,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")] = False,
) -> None:
    """Let cheats play against honest policies of three skills; exit with 1 if one earns more than the moderate one."""
    from verl_visual_rft.rewards.audit import SKILLS
    from verl_visual_rft.rewards.audit import audit as run

    result = run(name, tasks=task or None, truths=truths, seed=seed, size=size, think=think, skills=SKILLS)
    if markdown:
        say(result.to_markdown())
    else:
        make_console().print(*result.tables(), sep="\n")
    raise typer.Exit(1 if result.beaten else 0)


def _describe(name: str) -> tuple[str, str, str, str, str]:
    """Return name, tasks, ranges, summary and package of a reward; for one that cannot be used, why."""
    from verl_visual_rft.rewards import load_reward
    from verl_visual_rft.rewards.registry import reward_packages

    package = "\n".join(reward_packages(name))
    try:
        reward = load_reward(name)
    except UserError as error:
        return name, "none", "", str(error), package
    ranges = ("{:g} to {:g}".format(*reward.ranges[task]) if task in reward.ranges else "" for task in reward.scorers)
    return name, "\n".join(reward.scorers), "\n".join(ranges), reward.summary, package


def _read(given: str, option: str) -> str:
    """Return what an argument gives: itself, the content of ``@file``, or standard input for ``-``."""
    if given == "-":
        return sys.stdin.read()
    if not given.startswith("@"):
        return given
    try:
        return read_text(Path(given[1:]), "name a text file")
    except UserError as error:
        raise UserError(f"{option} {given}: {error}") from error
