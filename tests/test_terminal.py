# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of what is printed: no name, metric or answer can command the terminal."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.live import Live
from rich.table import Table
from rich.text import Text

import verl_visual_rft
from verl_visual_rft import terminal
from verl_visual_rft.cli.app import main
from verl_visual_rft.datasets.arguments import run as run_script
from verl_visual_rft.datasets.inspection import inspect
from verl_visual_rft.doctor import _line
from verl_visual_rft.doctor.finding import Finding, Status
from verl_visual_rft.errors import UserError
from verl_visual_rft.progress import RowProgress
from verl_visual_rft.terminal import clean, make_console, say
from verl_visual_rft.training.monitoring.terminal import read_run, render

PACKAGE = Path(verl_visual_rft.__file__).parent

#: What commands a terminal, or shows a text as another.
COMMANDS = {
    "title": "\x1b]0;owned\x07",
    "colour": "\x1b[31mred",
    "clear": "\x1b[2J\x1b[H",
    "C1 sequence": "\x9b31mred",
    "bell": "\a",
    "carriage return": "good\rbad",
    "backspace": "ab\b\bcd",
    "delete": "a\x7f",
    "null": "a\0b",
    "right to left": "\u202ecod.exe",
    "isolate": "\u2066a\u2069",
    "line separator": "a\u2028b",
    "surrogate": "a\udcff",
    "device control": "\x1bP0;1|17/ab\x9c",
}
#: What rich would read as markup, or an emoji.
MARKUP = ["a[/b]", "[bold]a", "a[link=file:///etc/passwd]b[/link]", "[/]", ":smile:", "[red", r"\[a]", "[@click=quit]x"]

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\ud800-\udfff]")


@pytest.mark.parametrize("name", COMMANDS)
def test_what_commands_a_terminal_is_written_out(name: str) -> None:
    assert not UNSAFE.search(clean(COMMANDS[name]))
    clean(COMMANDS[name]).encode()


def test_ordinary_text_is_left_as_it_is() -> None:
    for text in ("a\tb\nc", "Citroën C/V", "猫, ネコ", "👩\u200d🚀", "קתול", r"C:\x1b", ""):
        assert clean(text) == text
    assert clean("\x1b\x9b\u202e\ud800\0") == r"\x1b\x9b\u202e\ud800\x00"


@pytest.mark.parametrize("name", COMMANDS)
def test_values_and_tables_are_cleaned(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = COMMANDS[name]
    say(hostile, Path("a") / hostile.replace("\0", ""))
    say(hostile, error=True)
    console = make_console()
    table = Table("name", title=hostile)
    table.add_row(hostile)
    table.add_row(Text(hostile))
    console.print(table, hostile)
    assert not UNSAFE.search("".join(capsys.readouterr()).replace("\r", "" if "\r" not in hostile else "\r"))


@pytest.mark.parametrize("text", MARKUP)
def test_brackets_are_no_markup(text: str) -> None:
    file = StringIO()
    console = make_console(file=file, width=80)
    table = Table("name", title=text)
    table.add_row(text)
    console.print(table, text)
    assert file.getvalue().count(text) == 3


def test_a_table_in_a_file_is_as_wide_as_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table("name")
    table.add_row("long " * 100)
    monkeypatch.delenv("COLUMNS", raising=False)
    with (tmp_path / "table.txt").open("w") as file:
        make_console(file=file).print(table, "below")
    lines = (tmp_path / "table.txt").read_text().splitlines()
    assert any("long " * 99 in line for line in lines) and max(map(len, lines)) < 520
    monkeypatch.setenv("COLUMNS", "60")
    assert make_console(file=StringIO()).width == 60


def test_what_is_drawn_anew_again_and_again_is_cleaned_and_keeps_its_own_commands() -> None:
    file = StringIO()
    console = make_console(file=file, force_terminal=True, width=80)
    with Live(Text(COMMANDS["title"], style="red"), console=console, auto_refresh=False) as live:
        live.refresh()
    shown = file.getvalue()
    assert "\x1b[31m" in shown and r"\x1b]0;owned" in shown  # rich itself drops the bell
    assert "\x1b]0" not in shown and "\a" not in shown


def run_folder(folder: Path, metric: str) -> Path:
    folder.mkdir(exist_ok=True)
    data = {metric: 1.0, "training/total_steps": 2}
    (folder / "metrics.1.jsonl").write_text(json.dumps({"step": 1, "data": data}) + "\n")
    return folder


@pytest.mark.parametrize("hostile", [*COMMANDS.values(), *MARKUP])
@pytest.mark.parametrize("prefix", ["val-core/{}/ap/mean@1", "parse/{}", "timing_s/{}", "warning/{}", "reward/{}"])
def test_watch_shows_any_metric(prefix: str, hostile: str, tmp_path: Path) -> None:
    if "\ud800" <= hostile[-1] <= "\udfff":
        hostile = "a"  # the log could not hold it
    file = StringIO()
    make_console(file=file, width=200).print(render(read_run(run_folder(tmp_path / "run", prefix.format(hostile)))))
    assert not UNSAFE.search(file.getvalue())


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "surrogate"])
def test_inspect_shows_any_name(name: str, tmp_path: Path) -> None:
    row = {
        "ability": COMMANDS[name],
        "reward_model": {"ground_truth": json.dumps({"boxes": []})},
        "extra_info": {"category": COMMANDS[name], "split": COMMANDS[name]},
        "images": [],
    }
    path = tmp_path / "a[/b].parquet"  # in a folder "a["
    path.parent.mkdir()
    pq.write_table(pa.Table.from_pylist([row, row | {"ability": "detection"}]), path)
    file = StringIO()
    make_console(file=file, width=200).print(inspect([path]).render())
    assert not UNSAFE.search(file.getvalue()) and "a[/b].parquet" in file.getvalue()


@pytest.mark.parametrize("hostile", [*COMMANDS.values(), *MARKUP])
def test_errors_are_cleaned(hostile: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise UserError(hostile)

    assert run_script(fail) == 2
    command = sys.modules[main.__module__]
    monkeypatch.setattr(command, "app", fail)
    with pytest.raises(SystemExit, match="2"):
        main()
    printed = capsys.readouterr()
    assert printed.err == f"error: {clean(hostile)}\nvisual-rft: error: {clean(hostile)}\n"


@pytest.mark.parametrize("hostile", [*COMMANDS.values(), *MARKUP])
def test_the_doctor_s_lines_and_progress_are_cleaned(hostile: str) -> None:
    file = StringIO()
    make_console(file=file).print(_line(Finding("a", Status.FAIL, hostile, hostile)), soft_wrap=True)
    assert not UNSAFE.search(file.getvalue())


@pytest.mark.parametrize("label", MARKUP)
def test_progress_about_any_file_is_shown(label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = StringIO()
    options = {"file": file, "force_terminal": True, "width": 200}
    monkeypatch.setattr("verl_visual_rft.progress.make_console", lambda **_: make_console(**options))
    with RowProgress(label, 2) as progress:
        progress.advance(2)
    assert label in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())


def test_commands_print_by_these_two_alone() -> None:
    """What else prints writes to a process of ours, to a training's log, or prints no text of others."""
    others = {
        "cli/app.py",  # the version
        "doctor/machine.py",  # programs that the doctor runs
        "doctor/plugins.py",
        "doctor/repair.py",
        "gpus.py",  # a number
        "training/algorithms/engine.py",
        "training/guards/lost_workers.py",
        "launching/nodes.py",
        "training/rollouts/replay_buffer.py",
        "rewards/audit/__init__.py",
    }
    printing = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if path != Path(terminal.__file__)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "Console", "console.Console")
    }
    assert printing <= others


@pytest.mark.parametrize("error", [False, True], ids=["output", "errors"])
def test_a_reader_that_has_left_ends_the_command_quietly(error: bool) -> None:
    """As after ``| head``: no traceback, also not of what Python's end would still write."""
    script = f"from verl_visual_rft.terminal import say\nfor n in range(9): say('x' * 99, error={error})"
    end, left = os.pipe()
    os.close(end)
    stream = {"stderr" if error else "stdout": left}
    process = subprocess.run([sys.executable, "-c", script], **(dict.fromkeys(("stdout", "stderr"), -1) | stream))
    os.close(left)
    assert process.returncode == 1
    assert not process.stdout and not process.stderr
