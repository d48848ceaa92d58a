# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The watch without Ray; with it: tests/e2e/test_guards.py."""

import http.server
import socket
import subprocess
import sys
import threading

import pytest

pytest.importorskip("ray")

from verl_visual_rft.launching.run_log import last_error  # noqa: E402
from verl_visual_rft.training.guards.lost_workers import LostWorkerError, WorkerWatch, dead_engine  # noqa: E402


@pytest.fixture
def server():
    """A server whose /health answers with ``server.status``."""

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/health"
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "dead"), [(200, False), (503, True), (404, False), (401, False), (429, False), (500, False)]
)
def test_what_vllms_server_says_of_its_engine(server, status, dead):
    server.status = status
    assert bool(dead_engine(f"127.0.0.1:{server.server_port}")) == dead


def test_a_server_that_is_gone_is_dead_and_a_silent_one_is_not_known_to_be(monkeypatch):
    monkeypatch.setattr("verl_visual_rft.training.guards.lost_workers._ANSWER_WITHIN", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        silent.listen()
        assert dead_engine(address) == ""
    assert dead_engine(address) == f"nobody answers at {address}"


RUN = """
import sys, time
from verl_visual_rft.training.guards import lost_workers
lost_workers._LOOK_EVERY, lost_workers._GRACE = 0.05, float(sys.argv[1])

class Watch(lost_workers.WorkerWatch):
    def look(self):
        return "reward worker 1 died: killed"

with Watch({}, {}) as watch:
    time.sleep(0.5)
    if sys.argv[2] == "waits for rollouts":
        watch.check()
    if sys.argv[2] == "writes a checkpoint":
        with watch.checkpoint:
            time.sleep(3)
            print("written", file=sys.stderr)
    def stuck_in_an_update():
        time.sleep(60)
    stuck_in_an_update()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "trainer", ["waits for rollouts", "is stuck", pytest.param("writes a checkpoint", marks=pytest.mark.long)]
)
def test_the_run_ends_with_the_cause_wherever_the_trainer_is(trainer):
    grace = "60" if trainer == "waits for rollouts" else "1"
    done = subprocess.run([sys.executable, "-c", RUN, grace, trainer], stderr=subprocess.PIPE, text=True, timeout=55)
    assert done.returncode == 1
    assert last_error(done.stderr).endswith("LostWorkerError: reward worker 1 died: killed")
    if trainer != "writes a checkpoint":
        assert ("stuck_in_an_update" in done.stderr) == (trainer == "is stuck")  # it says where
    assert ("written" in done.stderr) == (trainer == "writes a checkpoint")


def test_a_watch_that_has_ended_leaves_the_run_alone():
    class Watch(WorkerWatch):
        def look(self):
            return ""

    with Watch({}, {}) as watch:
        watch.check()
    watch.check()
    assert not watch._thread.is_alive()


def test_the_error_is_one_for_the_user():
    watch = WorkerWatch({}, {})
    watch._lost = "vLLM engine 0 died: x"
    with pytest.raises(LostWorkerError, match="vLLM engine 0 died: x"):
        watch.check()


def test_who_asks_again_waits_for_the_next_look(monkeypatch):
    monkeypatch.setattr("verl_visual_rft.training.guards.lost_workers._LOOK_EVERY", 0.3)

    class Watch(WorkerWatch):
        def look(self):
            return "reward worker 0 died: killed"

    with Watch({}, {}) as watch:
        watch.check()
        with pytest.raises(LostWorkerError, match="reward worker 0 died: killed"):
            watch.check_again()
