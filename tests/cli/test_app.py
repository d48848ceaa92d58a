# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import errno
import subprocess

import pytest
from commands import visual_rft

from verl_visual_rft import __version__
from verl_visual_rft.cli.app import main
from verl_visual_rft.errors import UserError, system_errors_are_the_users


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


LONG = "x" * 300


@pytest.mark.parametrize(
    "arguments",
    [
        ["eval", LONG, "--data", ".", "--out", "x.json"],
        ["eval", "a/b", "--data", LONG, "--out", LONG],
        ["report", LONG],
        ["report", f"{LONG}/{LONG}"],
        ["watch", LONG],
        ["data", "inspect", LONG],
        ["data", "validate", LONG],
        ["reward", "audit", "--truths", f"{LONG}.json"],
        ["predict", "--engine", "replay", "--responses", LONG, "--data", LONG, "--out", LONG],
    ],
)
def test_a_name_that_is_too_long_is_one_line(arguments, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["visual-rft", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2 and line.startswith("visual-rft: error: ")


def test_what_the_system_says_of_something_else_is_no_mistake_of_the_user():
    with pytest.raises(ConnectionError), system_errors_are_the_users():
        raise ConnectionResetError(errno.ECONNRESET, "reset")
    with pytest.raises(UserError, match="No space left on device; mend that"), system_errors_are_the_users():
        raise OSError(errno.ENOSPC, "No space left on device")
