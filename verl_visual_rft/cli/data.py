# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft data``: miniature data sets, preparation of originals, and a look at what was prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from verl_visual_rft.terminal import make_console, say

app = typer.Typer(help="The data: prepare originals, have miniatures, look at prepared files.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="Prepared parquet files.")]


@app.command(
    epilog="\b\nNames: cars196, coco, fgvc_aircraft, flowers102, lvis, mg, pets37, reasonseg, virft_hub.\n\n"
    "\b\nExamples:\n"
    "  visual-rft data fake flowers102 --out run/flowers102\n"
    "  visual-rft data prepare flowers102 --root run/flowers102 --out run/data --shots 4"
)
def fake(
    name: Annotated[str, typer.Argument(help="The data set to imitate.")],
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
) -> None:
    """Write a miniature data set in its original layout: a few drawn pictures, its file formats and its quirks."""
    from verl_visual_rft.miniature.originals import write_fake

    write_fake(name, out, seed)
    count = sum(path.is_file() for path in out.rglob("*"))
    say(f"{out}: {count} files in the layout of {name}")


@app.command(
    context_settings={"allow_interspersed_args": False},  # what follows the name is the data set's
    epilog="\b\nExamples:\n"
    "  visual-rft data prepare                            # the data sets\n"
    "  visual-rft data prepare coco --help                # where it comes from, its layout and options\n"
    "  visual-rft data prepare coco --root COCO --out data/coco_4shot --shots 4",
)
def prepare(
    name: Annotated[str | None, typer.Argument(help="The data set; without one, all are listed.")] = None,
    options: Annotated[list[str] | None, typer.Argument(help="Its own; `--help` after the name shows them.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the data sets.")] = False,
) -> None:
    """Read a data set in its original layout and write the folder of parquet files that is trained on."""
    from verl_visual_rft.datasets.commands import list_data_sets, prepare_data_set

    if name is None or listed:
        make_console(highlight=False).print(list_data_sets())
    else:
        command = f"visual-rft data prepare {name}"
        prepare_data_set(name, options or [], command, command)


@app.command(epilog="Example: visual-rft data inspect run/data/train.parquet run/data/val.parquet")
def inspect(files: Files) -> None:
    """Count what is in prepared files: tasks, categories, boxes, negatives, picture sizes, tokens."""
    from verl_visual_rft.datasets.inspection import inspect as run

    make_console().print(run(files).render())


@app.command(
    epilog="\b\nExamples:\n  visual-rft data validate run/data/train.parquet\n"
    "  visual-rft data validate run/data/*.parquet --max-prompt-tokens 1024"
)
def validate(
    files: Files,
    max_prompt_tokens: Annotated[
        int | None, typer.Option(min=1, help="What the training takes: `data.max_prompt_length`.")
    ] = None,
) -> None:
    """Find, row by row, what a training would trip over; exit with 1 if there is something."""
    from verl_visual_rft.datasets.validation import validate as run

    findings = run(files, max_prompt_tokens=max_prompt_tokens)
    for finding in findings:
        say(finding)
    say(f"{len(findings)} findings" if findings else "nothing to mend")
    raise typer.Exit(1 if findings else 0)


@app.command(epilog="Example: visual-rft data view run/data/train.parquet --out run/train.html --count 24")
def view(
    file: Annotated[Path, typer.Argument(help="A prepared parquet file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Page to write (HTML, pictures included).")],
    count: Annotated[int, typer.Option(min=1, help="Rows to show, spread over the file.")] = 24,
) -> None:
    """Write a page of pictures with their boxes drawn, prompt and ground truth: are the coordinates right?"""
    from verl_visual_rft.datasets.view import write_view

    write_view(file, out, count)
    say(out)
