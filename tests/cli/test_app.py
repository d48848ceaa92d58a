# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import subprocess

import pytest
from commands import visual_rft

from verl_visual_rft import __version__


def test_the_installed_command_says_its_version():
    done = subprocess.run(["visual-rft", "--version"], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == __version__


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eval", "no/such.jsonl", "--data", "no/data", "--out", "x.json"], "no"),
        (["report", "no/such/run"], "nothing evaluated"),
    ],
)
def test_a_mistake_of_the_user_gets_one_line_and_status_2(arguments, message):
    done = visual_rft(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("visual-rft: error: ") and message in done.stderr
    assert "Traceback" not in done.stderr
