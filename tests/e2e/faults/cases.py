# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Faults that are no kills: a full disk, rewards that fail, a model that emits image tokens, a row that is broken."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from faults.supervised import NOTICED_WITHIN, START_WITHIN, CampaignError, Run, training
from pipeline import python_path
from reward_package import write_package

_REWARD_TIMEOUT = 5  # seconds; `visual_rft.reward_timeout`
#: A reward of a package of its own, which fails as long as a file says so.
_REWARD = """
import os
import time
from pathlib import Path

def faulty(response):
    for fault in ("raises", "hangs", "nan"):
        if (Path(os.environ["VISUAL_RFT_FAULTS"]) / fault).exists():
            if fault == "raises":
                raise ValueError("broken on purpose")
            if fault == "hangs":
                time.sleep(3600)
            return float("nan")
    return len(response) % 7 / 7
"""
#: What the fault is called, and what must be said of it.
_REWARDS = {
    "raises": ("a reward raises", "broken on purpose"),
    "hangs": ("a reward hangs", "reward_timeout"),
    "nan": ("a reward returns NaN", "nan"),
}
IMAGE_TOKENS = "a model that would emit image tokens"
BROKEN_ROW = "a row whose picture is broken"
FULL_DISK = "the disk is full"
_TMPFS = "64m"  # two checkpoints of the tiny model and one that is being written
_NAMESPACE = ("unshare", "--mount", "--map-root-user")


@dataclass(frozen=True)
class Case:
    """What came of a fault.

    Attributes:
        fault: What was wrong.
        seconds: From the fault to the end of the command; None where it goes on.
        said: What the launcher said.
        resumed: First step of the start after the fault was mended; None where the run was not ended.
        wrong: What must not be; empty when all is well.
    """

    fault: str
    seconds: float | None
    said: str
    resumed: int | None
    wrong: str = ""


def rewards(folder: Path, data: Path) -> Iterator[Case]:
    """A reward of a package of its own that raises, hangs and returns NaN, each on the run that was resumed before."""
    faults, plug_in = folder / "faults", folder / "plug_in"
    faults.mkdir(parents=True)
    write_package(plug_in, "faulty_rewards", _REWARD, "faulty")
    overrides = ("visual_rft.reward=faulty", f"visual_rft.reward_timeout={_REWARD_TIMEOUT}")
    run = Run(
        folder / "run",
        training(folder / "run", data, *overrides),
        PYTHONPATH=python_path(plug_in),
        VISUAL_RFT_FAULTS=str(faults),
    )
    run.start()
    run.next_step()
    for fault, (name, said) in _REWARDS.items():
        (faults / fault).touch()
        began = time.monotonic()
        _wait_for_end(run)
        seconds = time.monotonic() - began
        (faults / fault).unlink()
        yield _resumed(run, name, seconds, of=said)
    run.end()


def image_tokens(folder: Path, data: Path) -> Iterator[Case]:
    """A model whose likeliest tokens are those of pictures; veRL would die of the first one that it emits."""
    from seeing_things import make_model

    model = make_model(folder / "model")
    overrides = (f"actor_rollout_ref.model.path={model}", "trainer.total_training_steps=2")
    run = Run(folder / "run", training(folder / "run", data, *overrides))
    run.start()
    run.wait(lambda: not run.is_running, START_WITHIN, "two steps")
    wrong = "" if run.status() == 0 and run.steps() == [1, 2] else f"ended with status {run.status()} at {run.steps()}"
    yield Case(IMAGE_TOKENS, None, "goes on: it cannot sample them", None, wrong)


def broken_row(folder: Path, data: Path) -> Iterator[Case]:
    """One row of sixteen whose picture is none."""
    broken = folder / "data"
    shutil.copytree(data, broken, dirs_exist_ok=True)
    rows = pq.read_table(data / "train.parquet")
    listed = rows.to_pylist()
    listed[len(listed) // 2]["images"][0]["bytes"] = b"no picture"
    pq.write_table(type(rows).from_pylist(listed, schema=rows.schema), broken / "train.parquet")
    run = Run(folder / "run", training(folder / "run", broken))
    run.start()
    run.wait(lambda: not run.is_running, START_WITHIN, "the row")
    ended = time.time()
    logs = sorted((folder / "run").glob("metrics.*.jsonl"), key=lambda path: path.stat().st_mtime)
    began = logs[-1].stat().st_mtime  # of the last step that was logged, or when the run had been set up
    run.command = training(folder / "run", data)
    yield _resumed(run, BROKEN_ROW, ended - began, of="train.parquet: row ")
    run.end()


def full_disk(folder: Path, data: Path) -> Iterator[Case]:
    """Checkpoints on a small file system of their own, which something else fills."""
    if subprocess.run([*_NAMESPACE, "true"], capture_output=True).returncode != 0:
        yield Case(FULL_DISK, None, "", None, "not tried: no mount namespaces for this user")
        return
    checkpoints, fill = folder / "checkpoints", folder / "fill"
    checkpoints.mkdir(parents=True, exist_ok=True)
    run = Run(folder / "run", [])
    command = shlex.join(training(run.folder, data, f"trainer.default_local_dir={checkpoints}"))
    filled = f"until [ -e {fill} ]; do sleep 0.1; done; cat /dev/zero > {checkpoints}/filler"
    script = (
        f"mount -t tmpfs -o size={_TMPFS} tmpfs {checkpoints}; ({filled}) 2> /dev/null & filler=$!; "
        f"{command}; touch {folder}/ended; kill $filler 2> /dev/null; rm -f {checkpoints}/filler {fill}; exec {command}"
    )
    run.command = [*_NAMESPACE, "bash", "-c", script]
    run.start()
    run.next_step()
    fill.touch()
    began = time.monotonic()
    run.wait((folder / "ended").exists, 2 * NOTICED_WITHIN, "the end of the run")
    seconds, before = time.monotonic() - began, run.steps()
    said = run.said()
    run.wait(lambda: len(run.steps()) > len(before) or not run.is_running, START_WITHIN, "a step after the resume")
    after = run.steps()[len(before) :]
    run.end()
    wrong = _judged(seconds, said, "could not be written")
    if not after:
        wrong = "did not resume"
    elif after[0] not in (before[-1] + 1, before[-1] + 2):  # a step may be saved and not yet logged
        wrong = f"resumed with step {after[0]} after step {before[-1]}"
    yield Case(FULL_DISK, seconds, said, after[0] if after else None, wrong)


def _resumed(run: Run, fault: str, seconds: float, of: str) -> Case:
    """Start a run again whose fault has been mended, and wait for its first step."""
    said, saved = run.said(), run.last_saved()
    wrong = _judged(seconds, said, of)
    run.start()
    run.next_step()
    first = run.steps()[0]
    if first != saved + 1:
        wrong = f"resumed with step {first} after a checkpoint of step {saved}"
    return Case(fault, seconds, said, first, wrong)


def _judged(seconds: float, said: str, of: str) -> str:
    if seconds > NOTICED_WITHIN:
        return f"it took {seconds:.0f} s"
    return "" if of in said else f"the launcher does not say {of!r}"


def _wait_for_end(run: Run) -> None:
    try:
        run.wait(lambda: not run.is_running, 2 * NOTICED_WITHIN, "the end of the run")
    except CampaignError:
        run.end()


#: Faults, and what does them, one after the other, to a run in the first folder with the data in the second: one that
#: ends the run is mended, and the run is started again.
CASES: list[tuple[tuple[str, ...], Callable[[Path, Path], Iterator[Case]]]] = [
    ((FULL_DISK,), full_disk),
    ((BROKEN_ROW,), broken_row),
    (tuple(name for name, _ in _REWARDS.values()), rewards),
    ((IMAGE_TOKENS,), image_tokens),
]
