# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The two doors to a data set, `data_prep/NAME.py` and `visual-rft data prepare NAME`: what is behind them is one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commands import REPOSITORY, data_prep, visual_rft
from prepared_sets import files_of, prepare, prepared

from verl_visual_rft.datasets.commands import DATA_SETS, load_data_set
from verl_visual_rft.doctor.finding import run_python
from verl_visual_rft.miniature.originals import write_fake

EPILOG = "gives in --out:"


@pytest.fixture(scope="module")
def mg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("original") / "mg"
    write_fake("mg", root)
    return root


def test_every_data_set_has_its_script() -> None:
    assert {path.stem for path in (REPOSITORY / "data_prep").glob("*.py")} == set(DATA_SETS)


def test_a_data_set_is_found_by_the_name_of_what_it_reads(tmp_path: Path) -> None:
    assert load_data_set("reasonseg") is load_data_set("lisa")
    for name in ("lisa", "reasonseg"):
        write_fake(name, tmp_path / name)
    assert files_of(tmp_path / "lisa") == files_of(tmp_path / "reasonseg")


@pytest.mark.parametrize("name", ["coco", *(pytest.param(n, marks=pytest.mark.long) for n in DATA_SETS if n != "coco")])
def test_a_script_in_a_process_of_its_own_shows_the_help_of_the_command(name: str) -> None:
    script = [sys.executable, f"data_prep/{name}.py", "--help"]
    done = subprocess.run(script, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {name}.py ")
    ours = prepared(name, "--help")
    assert ours.startswith(f"usage: visual-rft data prepare {name} ")
    assert f"  visual-rft data prepare {name} --" in ours.partition(EPILOG)[2]  # examples can be copied
    # The usage breaks its lines where the name of the program lets it.
    scripts, commands = (text.split("\n\n", 1)[1] for text in (done.stdout, ours))
    assert scripts.replace(f"python data_prep/{name}.py", f"visual-rft data prepare {name}") == commands


def test_a_script_and_the_command_write_the_same(mg: Path, tmp_path: Path) -> None:
    arguments = ("--root", mg, "--shots", 4, "--negatives", 0.2)
    printed = prepared("mg", *arguments, "--out", tmp_path / "command")
    done = data_prep("mg.py", *arguments, "--out", tmp_path / "script")
    assert done.returncode == 0, done.stderr
    assert files_of(tmp_path / "script") == files_of(tmp_path / "command")
    assert done.stdout.replace("script", "command").splitlines()[1:] == printed.splitlines()[1:]  # below the title


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--root", "gone", "--shots", 4), "error: gone is not a folder"),
        (("--root", "gone", "--shots", "four"), "error: argument --shots: invalid integer value: 'four'"),
        (("--root", "gone", "--shots", 4, "--rows", 3), "error: unrecognized arguments: --rows 3"),
    ],
)
def test_both_refuse_the_same_with_the_same_status(arguments: tuple[object, ...], message: str, tmp_path: Path) -> None:
    for done in (data_prep("mg.py", "--out", tmp_path, *arguments), prepare("mg", "--out", tmp_path, *arguments)):
        assert done.returncode == 2
        assert message in done.stderr and "Traceback" not in done.stderr


def test_the_shapes_are_drawn_and_can_be_prepared(tmp_path: Path) -> None:
    said = prepared("shapes", "--out", tmp_path / "shapes", "--train", 6, "--val", 4)
    assert said == f"{tmp_path / 'shapes'}: 6 training and 4 validation pictures\n"
    prepared("coco", "--root", tmp_path / "shapes", "--rows", 5, "--out", tmp_path / "data")
    assert (tmp_path / "data/manifest.json").is_file()


def test_shapes_that_cannot_be_drawn(tmp_path: Path) -> None:
    arguments = ("--out", tmp_path, "--val", 0)
    script, command = data_prep("shapes.py", *arguments), prepare("shapes", *arguments)
    message = "error: the val split of the shapes dataset needs at least one picture, not 0\n"
    assert (script.returncode, script.stderr) == (2, message)
    assert (command.returncode, command.stderr) == (2, f"visual-rft: {message}")


@pytest.mark.parametrize("arguments", [(), ("--list",)])
def test_the_list_names_every_data_set_and_what_it_is(arguments: tuple[str, ...]) -> None:
    lines = visual_rft("data", "prepare", *arguments, COLUMNS="160").stdout.splitlines()
    for name in DATA_SETS:
        data_set = load_data_set(name)
        (line,) = (line.rstrip().split(maxsplit=1)[1] for line in lines if line.split()[:1] == [name])
        assert line.startswith(f"{data_set.title}: {data_set.content} ") and line.endswith(data_set.task)


@pytest.mark.parametrize(("given", "near"), [("flower102", "flowers102"), ("COCO", "coco"), ("imagenet", "")])
def test_an_unknown_name_gets_one_line_with_the_nearest(given: str, near: str) -> None:
    done = prepare(given, "--root", "x")
    guess = f" (did you mean {near!r}?)" if near else ""
    assert done.returncode == 2
    assert done.stderr == f"visual-rft: error: no data set {given!r}{guess}; there are {', '.join(DATA_SETS)}\n"


def test_no_reader_is_loaded_before_it_is_used() -> None:
    code = "import sys, verl_visual_rft.datasets.commands, verl_visual_rft.cli; print([name for name in sys.modules if "
    assert run_python(code + "'.sets.' in name or '.readers' in name])").answer == "[]"
