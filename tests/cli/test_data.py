# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import subprocess

import pytest
from commands import visual_rft
from typer.testing import CliRunner

from verl_visual_rft.cli import app
from verl_visual_rft.miniature.originals import FAKES


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Return a folder prepared from a miniature data set."""
    folder = tmp_path_factory.mktemp("prepared")
    assert visual_rft("data", "fake", "flowers102", "--out", str(folder / "raw")).returncode == 0
    done = visual_rft("data", "prepare", "flowers102", "--root", folder / "raw", "--out", folder / "data")
    assert done.returncode == 0, done.stderr
    return folder / "data"


def test_fake_says_what_it_wrote(tmp_path):
    done = visual_rft("data", "fake", "mg", "--out", str(tmp_path / "mg"), "--seed", "3")
    assert done.returncode == 0
    assert done.stdout == f"{tmp_path / 'mg'}: 52 files in the layout of mg\n"


def test_fake_of_an_unknown_name_gets_one_line_and_status_2(tmp_path):
    done = visual_rft("data", "fake", "coco2017", "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr.startswith("visual-rft: error: no miniature data set 'coco2017'; there are cars196, coco,")


def test_the_help_of_fake_names_every_data_set():
    text = CliRunner().invoke(app, ["data", "fake", "--help"]).output
    names = text[text.index("Names:") : text.index("Examples:")].removeprefix("Names:").strip(" .\n").split(", ")
    assert names == list(FAKES)


@pytest.mark.parametrize("command", ["fake", "prepare", "inspect", "validate", "view"])
def test_every_help_has_an_example(command):
    done = CliRunner().invoke(app, ["data", command, "--help"])
    assert done.exit_code == 0
    assert f"visual-rft data {command} " in done.output.partition("Example")[2]


def test_inspect_counts_the_rows_of_all_files(prepared):
    done = visual_rft("data", "inspect", str(prepared / "train.parquet"), str(prepared / "test.parquet"))
    assert done.returncode == 0
    assert "48 classification" in done.stdout and "canterbury bells" in done.stdout


def test_validate_in_a_process_of_its_own_finds_nothing_in_what_was_prepared(prepared):
    files = [str(prepared / f"{split}.parquet") for split in ("train", "val", "test")]
    done = subprocess.run(["visual-rft", "data", "validate", *files], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    assert done.stdout == "nothing to mend\n"


def test_validate_lists_its_findings_and_exits_with_1(prepared):
    done = visual_rft("data", "validate", str(prepared / "train.parquet"), "--max-prompt-tokens", "3")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{prepared / 'train.parquet'}, row 0: ")
    assert lines[-1] == f"{len(lines) - 1} findings"


def test_view_writes_one_page_with_the_pictures_in_it(prepared, tmp_path):
    done = visual_rft(
        "data", "view", str(prepared / "train.parquet"), "-o", str(tmp_path / "page.html"), "--count", "5"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'page.html'}\n"
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/") == 5


@pytest.mark.parametrize("command", ["inspect", "validate"])
def test_a_file_that_is_not_there_gets_one_line_and_status_2(command, tmp_path):
    done = visual_rft("data", command, str(tmp_path / "none.parquet"))
    assert done.returncode == 2
    assert done.stderr.startswith("visual-rft: error: ") and "none.parquet" in done.stderr
    assert "Traceback" not in done.stderr
