# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import json
import os
import pty
import select
import subprocess
import sys
import time

import pytest
from commands import visual_rft

COMMAND = [sys.executable, "-c", "import sys; from verl_visual_rft.cli import main; sys.exit(main())", "watch"]


@pytest.fixture
def run_folder(tmp_path):
    write(tmp_path, 1, 2, 3)
    return tmp_path


def write(folder, *steps):
    with open(folder / "metrics.1.jsonl", "a") as file:
        for step in steps:
            data = {"reward/score/mean": step / 10, "training/total_steps": 5, "timing_s/step": 1.0}
            file.write(json.dumps({"step": step, "data": data}) + "\n")


def test_once_prints_and_ends(run_folder):
    done = visual_rft("watch", run_folder, "--once")
    assert done.returncode == 0, done.stderr
    assert "step 3 of 5" in " ".join(done.stdout.split())


def test_without_a_terminal_it_prints_and_ends(run_folder):
    done = subprocess.run([*COMMAND, str(run_folder)], capture_output=True, text=True, check=True, timeout=60)
    assert "step 3 of 5" in " ".join(done.stdout.split())


def test_a_folder_without_a_run_is_an_error_in_one_line(tmp_path):
    done = visual_rft("watch", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("visual-rft: error: ") and done.stderr.count("\n") == 1


def test_in_a_terminal_it_follows_the_run_to_its_end(run_folder):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, str(run_folder), "--every", "0.1"], stdout=theirs, stderr=theirs, stdin=theirs
    )
    os.close(theirs)
    assert "step 3 of 5" in read_until(ours, "step 3 of 5")
    write(run_folder, 4)
    assert "step 4 of 5" in read_until(ours, "step 4 of 5")
    write(run_folder, 5)
    read_until(ours, "finished")
    assert process.wait(30) == 0


def read_until(terminal, words, seconds=60.0):
    text, end = "", time.monotonic() + seconds
    while words not in text and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            text += os.read(terminal, 65536).decode("utf-8", "replace")
    return text
