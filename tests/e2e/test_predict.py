# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Prediction by the real vLLM engine: killed and run again, by two copies of the model, or by a server, it is the same.

Answers are sampled, not greedy: they tell the smallest difference of the logits, and of the random numbers too.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pipeline import CPU, ROOT, TIMEOUT, TINY_MODEL, run

pytestmark = pytest.mark.e2e

BATCH = 8
SETTINGS = [
    *["--model", str(TINY_MODEL), "--max-tokens", "48", "--max-model-len", "112"],
    *["--dtype", "float32", "--batch", str(BATCH), "--temperature", "1"],
]

# The command, but at one save the disk has only a part of the answers when the machine goes down.
TORN_SAVE = """
import os
import signal
import sys

from verl_visual_rft.cli import main

save, saves_left, lost = os.fsync, int(sys.argv.pop(1)), int(sys.argv.pop(1))


def tear(descriptor):
    global saves_left
    saves_left -= 1
    if saves_left == 0:
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - lost)
        save(descriptor)
        os.killpg(0, signal.SIGKILL)
    save(descriptor)


os.fsync = tear
main()
"""


@dataclass(frozen=True)
class Whole:
    """What a run that nobody disturbs writes, and its pace, from which the moments of the kills are drawn.

    Attributes:
        content: The predictions file.
        answers: How many it holds.
        seconds_to_start: From the opening of the journal to the first saved batch.
        seconds_a_batch: From one saved batch to the next.
    """

    content: bytes
    answers: int
    seconds_to_start: float
    seconds_a_batch: float


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """67 questions about 36 pictures."""
    folder = tmp_path_factory.mktemp("questions")
    run(sys.executable, "data_prep/shapes.py", "--out", str(folder / "raw"), "--train", "4", "--val", "36")
    run(
        *[sys.executable, "data_prep/coco.py", "--root", str(folder / "raw"), "--out", str(folder / "data")],
        *["--rows", "2", "--val-negatives", "0.3"],
    )
    return folder / "data" / "val.parquet"


@pytest.fixture(scope="module")
def whole(questions: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    out = tmp_path_factory.mktemp("whole") / "predictions.jsonl"
    process = start(questions, out)
    opened = wait_for(process, lambda: bool(journal_of(out)))
    first = wait_for(process, lambda: lines_of(out) >= BATCH)
    assert process.wait(timeout=TIMEOUT) == 0, log_of(out)[-6000:]
    ended, content = time.monotonic(), out.read_bytes()
    answers = len(content.splitlines())
    assert answers == 67
    return Whole(content, answers, first - opened, (ended - first) / (answers / BATCH))


@pytest.mark.long  # of every change: a predict of an exported checkpoint, in test_pipeline.py
def test_killed_torn_and_ended_by_two_copies_of_the_model_it_writes_the_file_of_one(
    questions: Path, whole: Whole, tmp_path: Path
) -> None:
    out = tmp_path / "predictions.jsonl"
    kill_at("answering", questions, out, whole, random.Random(1))
    killed = lines_of(out)
    assert 0 < killed < whole.answers

    tear(questions, out, save=2, lost=100)
    torn = lines_of(out)
    assert BATCH <= killed - killed % BATCH + BATCH <= torn < whole.answers
    run_to_the_end(questions, out, "--workers", "2")
    assert f"predict: {torn - torn % BATCH} of {whole.answers} answers are there from before" in log_of(out)
    assert out.read_bytes() == whole.content
    assert not journal_of(out)


@pytest.mark.long
@pytest.mark.parametrize(
    ("seed", "moment"),
    [(0, "start"), (1, "answering"), (2, "answering"), (3, "save"), (4, "save")],
)
def test_killed_and_run_again_it_writes_the_same_bytes(
    questions: Path, whole: Whole, tmp_path: Path, seed: int, moment: str
) -> None:
    out, random_ = tmp_path / "predictions.jsonl", random.Random(seed)
    kill_at(moment, questions, out, whole, random_)
    assert not out.exists()
    left = lines_of(out)
    assert left == 0 if moment == "start" else 0 < left < whole.answers

    run_to_the_end(questions, out)
    assert f"predict: {whole.answers}/{whole.answers}" in log_of(out)
    if left >= BATCH:
        assert f"predict: {left - left % BATCH} of {whole.answers} answers are there from before" in log_of(out)
    assert out.read_bytes() == whole.content
    assert not journal_of(out)


@pytest.mark.long
def test_two_copies_of_the_model_write_the_file_of_one(questions: Path, whole: Whole, tmp_path: Path) -> None:
    out = tmp_path / "predictions.jsonl"
    run_to_the_end(questions, out, "--workers", "2")
    assert out.read_bytes() == whole.content


def kill_at(moment: str, questions: Path, out: Path, whole: Whole, random_: random.Random) -> None:
    """Run `visual-rft predict` in a group of its own, which also holds vLLM's processes, and kill the group."""
    batches = whole.answers // BATCH
    if moment == "save":
        lost = random_.randint(1, 400)  # bytes of a batch, some 2500: a line is torn, or several are missing
        tear(questions, out, random_.randint(1, batches), lost)
        return
    process = start(questions, out)
    if moment == "start":
        wait_for(process, lambda: bool(journal_of(out)))
        time.sleep(random_.uniform(0, 0.8) * whole.seconds_to_start)
    else:
        saved = random_.randint(1, batches - 3) * BATCH
        wait_for(process, lambda: lines_of(out) >= saved)
        time.sleep(random_.uniform(0, 1) * whole.seconds_a_batch)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(timeout=TIMEOUT) == -signal.SIGKILL, log_of(out)[-6000:]


def tear(questions: Path, out: Path, save: int, lost: int) -> None:
    """Run `visual-rft predict` until a save of which the disk lacks the last bytes when the machine goes down."""
    process = start(questions, out, torn_save=(save, lost))
    assert process.wait(timeout=TIMEOUT) == -signal.SIGKILL, log_of(out)[-6000:]


def run_to_the_end(questions: Path, out: Path, *arguments: str) -> None:
    assert start(questions, out, *arguments).wait(timeout=TIMEOUT) == 0, log_of(out)[-6000:]


def start(
    questions: Path, out: Path, *arguments: str, torn_save: tuple[int, int] | None = None
) -> subprocess.Popen[bytes]:
    command = ["visual-rft"] if torn_save is None else [sys.executable, "-c", TORN_SAVE, *map(str, torn_save)]
    command += ["predict", "--data", str(questions), "--out", str(out), *SETTINGS, *arguments]
    with out.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=ROOT, env=os.environ | CPU, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )


def wait_for(process: subprocess.Popen[bytes], happened: Callable[[], bool]) -> float:
    """Return the moment at which something happened."""
    deadline = time.monotonic() + TIMEOUT
    while not happened():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    return time.monotonic()


def journal_of(out: Path) -> list[Path]:
    return list(out.parent.glob(f"{out.name}.*.partial"))


def lines_of(out: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in journal_of(out))


def log_of(out: Path) -> str:
    return out.with_suffix(".log").read_text(errors="replace")
