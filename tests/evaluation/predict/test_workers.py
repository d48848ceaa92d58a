# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict import predict
from verl_visual_rft.evaluation.predict.engines.replay import ReplaySettings
from verl_visual_rft.evaluation.predict.engines.workers import WorkerPool

pytestmark = pytest.mark.slow


class TwoWorkers(ReplaySettings):
    def load(self):
        return WorkerPool(ReplaySettings(self.responses), ["0", "1"])


def test_two_workers_write_the_file_of_one(parquet, responses, tmp_path):
    data = parquet(20)
    one = predict(ReplaySettings(responses(data)), data, tmp_path / "one.jsonl").out
    two = predict(TwoWorkers(responses(data)), data, tmp_path / "two.jsonl").out
    assert two.read_bytes() == one.read_bytes()


def test_an_error_in_a_worker_is_the_users(parquet, responses, tmp_path):
    data = parquet(20)
    path = responses(data)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(UserError, match=r"no response to row 59.*\n.*59 of 60 answers are kept"):
        predict(TwoWorkers(path), data, tmp_path / "out.jsonl")


SCRIPT = """
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from verl_visual_rft.evaluation.predict import predict
from verl_visual_rft.evaluation.predict.engines.replay import ReplayEngine, ReplaySettings
from verl_visual_rft.evaluation.predict.engines.workers import WorkerPool


@dataclass(frozen=True)
class Worker(ReplaySettings):
    folder: str = ""

    def load(self):
        Path(self.folder, f"{os.environ['CUDA_VISIBLE_DEVICES']}.pid").write_text(str(os.getpid()))
        return Engine(self)


class Engine(ReplayEngine):
    def answer(self, batches):
        for batch in batches:
            if sys.argv[4] == "die" and batch[0]["extra_info"]["index"] == 30:
                os._exit(9)
            time.sleep(0.05)
            yield from super().answer([batch])


@dataclass(frozen=True)
class Pool(Worker):
    def load(self):
        return WorkerPool(Worker(self.responses, self.folder), ["0", "1"])


if __name__ == "__main__":
    responses, data, out = (Path(argument) for argument in sys.argv[1:4])
    predict(Pool(responses, str(out.parent)), data, out)
"""


@pytest.fixture
def script(parquet, responses, tmp_path):
    """The command of a run of 60 questions by two slow workers, which leave their process ids beside the output."""
    data = parquet(20)
    (tmp_path / "script.py").write_text(SCRIPT)
    return [sys.executable, tmp_path / "script.py", responses(data), data, tmp_path / "out.jsonl"]


def test_a_worker_that_dies_stops_the_run_and_what_is_done_is_kept(script, tmp_path):
    done = subprocess.run([*script, "die"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "a worker died" in done.stderr
    (journal,) = tmp_path.glob("*.partial")
    assert len(journal.read_bytes().splitlines()) >= 20
    assert _ended(_workers(tmp_path))


def test_workers_do_not_outlive_a_killed_run(script, tmp_path):
    run = subprocess.Popen([*script, "live"])
    while len(_workers(tmp_path)) < 2:
        assert run.poll() is None
        time.sleep(0.01)
    run.kill()
    assert run.wait() == -signal.SIGKILL
    assert _ended(_workers(tmp_path))


def test_an_interrupted_run_ends_at_once_with_its_workers(script, tmp_path):
    run = subprocess.Popen([*script, "live"], stderr=subprocess.PIPE)
    while len(_workers(tmp_path)) < 2:
        assert run.poll() is None
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=20) != 0
    assert _ended(_workers(tmp_path))


def _workers(folder):
    return [int(text) for path in folder.glob("[01].pid") if (text := path.read_text())]


def _ended(pids):
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
