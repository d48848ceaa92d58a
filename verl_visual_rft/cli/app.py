# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The ``visual-rft`` command. Each command parses its arguments and calls the room that does the work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from verl_visual_rft import __version__
from verl_visual_rft.cli import data as data_commands
from verl_visual_rft.cli import reward
from verl_visual_rft.errors import UserError

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


def main() -> None:
    """Run the command line; a `UserError` is printed without traceback and exits with status 2."""
    try:
        app()
    except UserError as error:
        print(f"visual-rft: error: {error}", file=sys.stderr)
        sys.exit(2)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command()
def doctor(
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what takes more than a second or two.")] = False,
) -> None:
    """Prove that this machine can train, or say what to mend."""
    from verl_visual_rft import doctor as checks

    raise typer.Exit(checks.run(device, quick=quick))


@app.command(
    epilog="Example: visual-rft predict --model run/rft/hf --data run/data/val.parquet --out run/predictions.jsonl"
)
def predict(
    model: Annotated[Path, typer.Option(help="Model folder in Hugging Face layout.")],
    data: Annotated[Path, typer.Option(help="Prepared parquet, one question a row.")],
    out: Annotated[Path, typer.Option(help="Predictions to write (JSON lines); an interrupted file is continued.")],
    max_tokens: Annotated[int, typer.Option(help="Tokens of an answer at most.")] = 512,
    max_model_len: Annotated[int, typer.Option(help="Tokens of prompt, picture and answer at most.")] = 4096,
    batch: Annotated[int, typer.Option(help="Questions between two saves.")] = 128,
    dtype: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of the engine; answers are greedy.")] = 0,
) -> None:
    """Let a model answer every question of a prepared parquet, with vLLM."""
    from verl_visual_rft.evaluation.predict import predict as run

    run(model, data, out, max_tokens=max_tokens, max_model_len=max_model_len, batch=batch, dtype=dtype, seed=seed)


@app.command("eval", epilog="Example: visual-rft eval run/predictions.jsonl --data run/data --out run/metrics.json")
def evaluate(
    predictions: Annotated[Path, typer.Argument(help="File that `visual-rft predict` wrote.")],
    data: Annotated[Path, typer.Option(help="Prepared folder: val_annotations.json and manifest.json.")],
    out: Annotated[Path, typer.Option(help="Metrics to write (JSON).")],
    reward: Annotated[str, typer.Option(help="Named reward to report the mean of.")] = "robust",
) -> None:
    """Measure predictions: AP of novel, base and all categories, reward, format. Needs no GPU, torch or veRL."""
    from rich.console import Console

    from verl_visual_rft.evaluation.detection import evaluate_predictions, metrics_table, write_metrics

    metrics = evaluate_predictions(predictions, data, reward)
    write_metrics(metrics, out)
    Console().print(metrics_table(metrics))


@app.command(epilog="Example: visual-rft report outputs/quickstart   (a folder that a recipe made)")
def report(
    run: Annotated[Path, typer.Argument(help="Folder of a recipe's run.")],
    reward: Annotated[str, typer.Option(help="Named reward that the answers are explained with.")] = "robust",
    seed: Annotated[int, typer.Option(help="Seed to write into summary.json.")] = 0,
    pictures: Annotated[int, typer.Option(help="Pictures in the gallery.")] = 24,
) -> None:
    """Write summary.json, curves.png and report.html of a run, and print its table."""
    from verl_visual_rft.evaluation.run_report import write_run_report

    write_run_report(run, reward=reward, seed=seed, pictures=pictures)


if __name__ == "__main__":
    main()
