# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from verl_visual_rft.launching.cluster import LOG_FOLDERS
from verl_visual_rft.launching.launch import end_processes_of, launch
from verl_visual_rft.launching.ray_services import LONGEST_FOLDER
from verl_visual_rft.training.run_mark import RUN_MARK

PYTHON = sys.executable
# A command as a training run is: it starts a process in a session of its own that would outlive it.
SPAWN = (
    "import subprocess, sys;"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], start_new_session=True)"
)


def marked(run) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(RUN_MARK) == str(run) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_status_log_and_metrics_of_a_command(tmp_path, capfd):
    code = (
        "import json, os; print('hello');"
        "f = open(os.environ['VERL_FILE_LOGGER_PATH'], 'w');"
        "f.write(json.dumps({'step': 1, 'data': {'reward/score/mean': 1.5}}) + chr(10)); f.close();"
        "import time; time.sleep(1.2)"
    )
    assert launch(tmp_path / "run", "GRPO", 1, [PYTHON, "-c", code]) == 0
    assert (tmp_path / "run" / "log.txt").read_text() == "hello\n"
    assert "GRPO: step 1/1  reward 1.500" in capfd.readouterr().out


def test_each_start_has_a_metrics_file_of_its_own(tmp_path):
    code = "import os; open(os.environ['VERL_FILE_LOGGER_PATH'], 'w').write('')"
    for _ in range(2):
        launch(tmp_path, "x", None, [PYTHON, "-c", code])
    assert sorted(path.name for path in tmp_path.glob("metrics.*")) == ["metrics.1.jsonl", "metrics.2.jsonl"]


def test_what_a_killed_start_left_in_its_ray_folder_is_removed(tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    code = "import os, pathlib; p = pathlib.Path(os.environ['RAY_TMPDIR']); print(p, *p.iterdir())"
    launch(tmp_path, "x", None, [PYTHON, "-c", code])
    folder = Path((tmp_path / "log.txt").read_text().split()[0])
    assert not folder.exists()
    (folder / "left").mkdir(parents=True)
    launch(tmp_path, "x", None, [PYTHON, "-c", code])
    _, second = (tmp_path / "log.txt").read_text().split()
    assert second != str(folder)  # whose name was to be seen in /tmp
    assert not folder.exists()


def test_a_folder_for_ray_of_the_users_choice_is_used_and_left_alone(tmp_path, monkeypatch):
    with tempfile.TemporaryDirectory(dir="/tmp") as chosen:
        Path(chosen, "theirs").touch()
        monkeypatch.setenv("RAY_TMPDIR", chosen)
        assert launch(tmp_path, "x", None, [PYTHON, "-c", "import os; print(os.environ['RAY_TMPDIR'])"]) == 0
        assert (tmp_path / "log.txt").read_text() == f"{chosen}\n"
        assert Path(chosen, "theirs").exists()


def test_a_folder_too_long_for_rays_sockets_is_refused(tmp_path, monkeypatch, capfd):
    longest = "/tmp/" + "x" * (LONGEST_FOLDER - len("/tmp//ray"))
    session = "/session_2026-11-28_12-12-23_123456_4194304/sockets/plasma_store"  # of the longest process id of Linux
    assert len(longest + "/ray" + session) == 107
    monkeypatch.setenv("RAY_TMPDIR", longest)
    assert launch(tmp_path, "GRPO", None, [PYTHON, "-c", "print('began')"]) == 0
    monkeypatch.setenv("RAY_TMPDIR", longest + "xy")
    assert launch(tmp_path, "GRPO", None, [PYTHON, "-c", "print('again')"]) == 2
    assert f"RAY_TMPDIR={longest}xy is 2 characters too long" in capfd.readouterr().err
    assert (tmp_path / "log.txt").read_text() == "began\n"


@pytest.mark.parametrize(
    ("name", "own", "expected"),
    [
        ("RAY_task_events_max_num_task_in_gcs", None, "1000"),
        ("RAY_task_events_max_num_task_in_gcs", "7", "7"),
        ("RAY_prestart_worker_first_driver", None, "0"),
        ("RAY_prestart_worker_first_driver", "1", "1"),
    ],
)
def test_ray_remembers_few_tasks_and_starts_no_idle_workers_unless_the_user_wants_more(
    tmp_path, monkeypatch, name, own, expected
):
    monkeypatch.delenv(name, raising=False)
    if own:
        monkeypatch.setenv(name, own)
    launch(tmp_path, "x", None, [PYTHON, "-c", f"import os; print(os.environ[{name!r}])"])
    assert (tmp_path / "log.txt").read_text().strip() == expected


def test_rays_folder_is_the_users_alone_and_has_another_name_at_every_start(tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    script = "import os; p = os.environ['RAY_TMPDIR']; print(p, oct(os.stat(p).st_mode & 0o777))"
    for _ in range(2):
        assert launch(tmp_path, "x", None, [PYTHON, "-c", script]) == 0
    (first, mode), (second, again) = (line.split() for line in (tmp_path / "log.txt").read_text().splitlines())
    assert mode == again == "0o700" and first != second


@pytest.mark.parametrize(("name", "folder"), LOG_FOLDERS.items())
@pytest.mark.parametrize("own", [None, "/of/the/user"])
def test_loggers_write_into_the_runs_folder_unless_the_user_says_where(tmp_path, monkeypatch, name, folder, own):
    monkeypatch.delenv(name, raising=False)
    if own:
        monkeypatch.setenv(name, own)
    launch(tmp_path, "x", None, [PYTHON, "-c", f"import os; print(os.environ[{name!r}])"])
    expected = own or str(tmp_path / folder)
    assert (tmp_path / "log.txt").read_text().strip() == expected


def test_a_failure_shows_the_error_and_where_the_log_is(tmp_path, capfd):
    status = launch(tmp_path, "GRPO", None, [PYTHON, "-c", "raise ValueError('no such row 7')"])
    shown = capfd.readouterr().err
    assert status == 1
    assert "ValueError: no such row 7" in shown
    assert str(tmp_path / "log.txt") in shown


def test_a_long_path_in_an_error_is_not_broken_over_lines(tmp_path, capfd):
    path = "/data/" + "x" * 100 + "/train.parquet"
    launch(tmp_path, "GRPO", None, [PYTHON, "-c", f"raise ValueError('{path}: row 7')"])
    assert f"ValueError: {path}: row 7\n" in capfd.readouterr().err


def test_the_log_of_a_failure_does_not_command_the_terminal(tmp_path, capfd):
    title = "chr(27) + ']0;owned' + chr(7)"
    launch(tmp_path, "GRPO", None, [PYTHON, "-c", f"raise ValueError('row of ' + {title} + ' [/b]')"])
    launch(tmp_path, "GRPO", None, [PYTHON, "-c", f"print({title}); raise SystemExit(3)"])
    shown = capfd.readouterr().err
    assert "\x1b" not in shown and "\x07" not in shown
    assert r"ValueError: row of \x1b]0;owned\x07 [/b]" in shown and "\n\\x1b]0;owned\\x07\n" in shown


def test_what_the_command_leaves_behind_is_ended(tmp_path):
    assert launch(tmp_path, "x", None, [PYTHON, "-c", SPAWN]) == 0
    assert marked(tmp_path) == []


def test_a_process_that_gives_itself_a_title_is_ended_too(tmp_path):
    """As vLLM's do, over their environment unless SPT_NOENV says not to."""
    pytest.importorskip("setproctitle", reason="setproctitle, which comes with vLLM, is not installed")
    titled = "import setproctitle, time; setproctitle.setproctitle('VLLM::EngineCore'); time.sleep(300)"
    code = (
        "import subprocess, sys, time;"
        f"child = subprocess.Popen([sys.executable, '-c', {titled!r}], start_new_session=True);"
        "time.sleep(3); print(child.pid)"
    )
    assert launch(tmp_path, "x", None, [PYTHON, "-c", code]) == 0
    assert not psutil.pid_exists(int((tmp_path / "log.txt").read_text()))


def test_a_second_start_of_a_run_that_is_under_way_is_refused_and_ends_nothing(tmp_path, capfd):
    first = subprocess.Popen(
        [
            PYTHON,
            "-m",
            "verl_visual_rft.launching.launch",
            "--run",
            tmp_path,
            "--title",
            "x",
            "--",
            PYTHON,
            "-c",
            "import time; time.sleep(300)",
        ]
    )
    try:
        wait_until(lambda: marked(tmp_path))
        assert launch(tmp_path, "GRPO", None, [PYTHON, "-c", "print('second')"]) == 2
        assert f"GRPO: {tmp_path} is being written by another process" in capfd.readouterr().err
        assert marked(tmp_path) and first.poll() is None
    finally:
        first.terminate()
        first.wait(60)
    assert launch(tmp_path, "GRPO", None, [PYTHON, "-c", "print('second')"]) == 0


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_ended_launcher_takes_its_run_along_and_nothing_else(tmp_path, kill):
    bystander = subprocess.Popen([PYTHON, "-c", "import time; time.sleep(300)"], env=os.environ | {RUN_MARK: "/other"})
    launcher = subprocess.Popen(
        [PYTHON, "-m", "verl_visual_rft.launching.launch", "--run", str(tmp_path), "--title", "x", "--"]
        + [PYTHON, "-c", SPAWN + "; import time; time.sleep(300)"],
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as a shell starts a job with &
    )
    try:
        wait_until(lambda: len(marked(tmp_path)) == 2)
        launcher.send_signal(kill)
        launcher.wait(40)
        if kill == signal.SIGKILL:  # the command itself dies with its parent; what it detached, the next start ends
            wait_until(lambda: len(marked(tmp_path)) == 1)
            assert end_processes_of(tmp_path) == 1
        else:
            assert launcher.returncode == 130
        assert marked(tmp_path) == []
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize(("late", "status"), [(1, 0), (2, 1)])
def test_a_start_of_ray_that_was_late_is_tried_once_more(tmp_path, capfd, late, status):
    """Seen on a busy machine, and reported as the death of Ray's raylet."""
    code = (
        "import pathlib, sys; tries = pathlib.Path(sys.argv[1]); tries.write_text(tries.read_text() + 'x');"
        f"late = len(tries.read_text()) <= {late};"
        "print('Exception: The current node timed out during startup. This could happen' if late else 'started');"
        "sys.exit(late)"
    )
    (tmp_path / "tries").write_text("")
    assert launch(tmp_path, "GRPO", None, [PYTHON, "-c", code, str(tmp_path / "tries")]) == status
    assert (tmp_path / "tries").read_text() == "xx"
    said = capfd.readouterr().err
    assert said.count("as on a busy machine; once more") == 1
    assert ("GRPO failed (exit status 1):\nException: The current node timed out" in said) == (status == 1)


#: A training as the launcher sees it: it logs a step, and ends after another one if it is asked to.
STEPS = """
import os, pathlib, sys, time
run = pathlib.Path(os.environ["VISUAL_RFT_RUN"])
open(os.environ["VERL_FILE_LOGGER_PATH"], "w").write('{"step": 1, "data": {}}\\n')
while not (sys.argv[2] == "heeds" and (run / "stop").exists()):
    time.sleep(0.1)
print("saved")
"""


@pytest.mark.parametrize(
    ("heeds", "module", "signals", "status"),
    [
        ("heeds", "verl.trainer.main_ppo", [signal.SIGTERM], 143),
        ("ignores", "verl.trainer.main_ppo", [signal.SIGTERM, signal.SIGTERM], 130),
        ("ignores", "verl.trainer.main_ppo", [signal.SIGTERM, signal.SIGINT], 130),
        ("heeds", "verl.trainer.sft_trainer", [signal.SIGTERM], 130),
        ("heeds", "verl.trainer.main_ppo", [signal.SIGINT], 130),
    ],
)
def test_sigterm_lets_grpo_save_its_step_and_a_second_one_does_not_wait(tmp_path, heeds, module, signals, status):
    (tmp_path / "stop").touch()  # of an earlier run
    command = [PYTHON, "-m", "verl_visual_rft.launching.launch", "--run", str(tmp_path), "--title", "GRPO", "--"]
    launcher = subprocess.Popen([*command, PYTHON, "-c", STEPS, module, heeds], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: (tmp_path / "metrics.1.jsonl").exists())
    for number in signals:
        launcher.send_signal(number)
        time.sleep(2.5)  # sooner, a second SIGTERM is the first one, sent twice
    _, said = launcher.communicate(timeout=60)
    assert launcher.returncode == status
    assert ("saved" in (tmp_path / "log.txt").read_text()) == (status == 143)
    assert ("GRPO: stopped, its last step is saved; the same command goes on from here" in said) == (status == 143)


def test_a_run_can_be_interrupted_where_ray_has_blocked_the_signal(tmp_path):
    code = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # as for the entrypoint of a Ray job
    try:
        launch(tmp_path, "x", None, [PYTHON, "-c", code])
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert (tmp_path / "log.txt").read_text() == "set()\n"


def test_a_cluster_that_does_not_answer_is_an_error_of_one_line(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert launch(tmp_path, "GRPO", None, [PYTHON, "-c", "print('began')", "cluster=running"]) == 2
    shown = capfd.readouterr().err.replace("\n", " ")
    assert "no Ray cluster to be had at 127.0.0.1:1" in shown
    assert "began" not in (tmp_path / "log.txt").read_text()
