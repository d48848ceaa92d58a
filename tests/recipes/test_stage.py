# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`stage` and `lock_output` of recipes/common.sh: what is reused, what goes on, what starts anew."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


WORK = """
work() {{ mkdir -p "$OUTPUT_DIR/work"; echo "$1" >> "$OUTPUT_DIR/work/log"; {end}; }}
stage work title work {argument}
"""


def recipe(output: Path, body: str) -> subprocess.CompletedProcess[str]:
    script = f"set -euo pipefail\nSTAGE_COUNT=2\nsource recipes/common.sh\nlock_output\n{body}"
    environment = os.environ | {"OUTPUT_DIR": str(output)}
    return subprocess.run(["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_a_finished_stage_is_reused_and_says_so(tmp_path):
    body = "stage first 'the first' touch \"$OUTPUT_DIR/made\""
    assert "reused" not in recipe(tmp_path, body).stdout
    (tmp_path / "made").unlink()
    assert "[1/2] the first: done before, reused" in recipe(tmp_path, body).stdout
    assert not (tmp_path / "made").exists()


def test_another_command_runs_again_and_so_does_all_after_it(tmp_path):
    body = "stage first 'the first' echo {}\nstage second 'the second' echo same"
    recipe(tmp_path, body.format("a"))
    again = recipe(tmp_path, body.format("b")).stdout
    assert "reused" not in again


def test_a_stage_that_failed_goes_on_with_what_it_had(tmp_path):
    assert recipe(tmp_path, WORK.format(end="false", argument="x")).returncode != 0
    assert recipe(tmp_path, WORK.format(end="true", argument="x")).returncode == 0
    assert (tmp_path / "work" / "log").read_text() == "x\nx\n"


def test_a_stage_that_was_begun_with_other_settings_starts_anew(tmp_path):
    recipe(tmp_path, WORK.format(end="false", argument="x"))
    done = recipe(tmp_path, WORK.format(end="true", argument="y"))
    assert "starting anew" in done.stdout
    assert (tmp_path / "work" / "log").read_text() == "y\n"


def test_the_seconds_of_a_stage_are_written_beside_its_key(tmp_path):
    recipe(tmp_path, "stage first 'the first' true")
    key, seconds = (tmp_path / ".stages" / "first.done").read_text().split()
    assert len(key) == 64 and int(seconds) < 30


def test_a_folder_takes_one_run_at_a_time(tmp_path):
    done = recipe(tmp_path, "STAGE_NUMBER=0; bash -c 'source recipes/common.sh; lock_output' && echo both")
    assert done.returncode != 0
    assert "is being written by another run" in done.stderr


@pytest.mark.parametrize("argument", ["--help", "-h"])
def test_the_quick_start_explains_itself_without_installing_anything(argument):
    done = subprocess.run(
        ["bash", "recipes/quickstart.sh", argument], cwd=ROOT, capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 0
    assert "REWARD" in done.stdout and "set -euo" not in done.stdout
