# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Data preparation, predict and report, killed and on a full disk: whole files or none, and no traceback."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from commands import REPOSITORY, data_prep, visual_rft

from verl_visual_rft.miniature.originals import write_fake

pytestmark = pytest.mark.long

VISUAL_RFT = [sys.executable, "-c", "from verl_visual_rft.cli import main; main()"]
KILLS = 20


@pytest.fixture(scope="module")
def mg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("original") / "mg"
    write_fake("mg", root)
    return root


@pytest.fixture(scope="module")
def run(mg: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with data, answers and metrics, and answers saved beside it."""
    run = tmp_path_factory.mktemp("runs") / "run"
    done = data_prep("mg.py", "--root", mg, "--out", run / "data", "--shots", 4)
    assert done.returncode == 0, done.stderr
    lines = [
        {
            "image_id": row["extra_info"]["image_id"],
            "category": row["extra_info"]["category"],
            "response": "<think> here </think> <answer>[{'Position': [10, 10, 500, 600], 'Confidence': 0.5}]</answer>",
        }
        for row in pq.read_table(run / "data/val.parquet").to_pylist()
    ]
    (run / "saved.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    answers = run / "eval/rft/predictions.jsonl"
    replay = ("--engine", "replay", "--responses", run / "saved.jsonl")
    done = visual_rft("predict", *replay, "--data", run / "data/val.parquet", "--out", answers)
    assert done.returncode == 0, done.stderr
    done = visual_rft("eval", answers, "--data", run / "data", "--out", run / "eval/rft/metrics.json")
    assert done.returncode == 0, done.stderr
    return run


@dataclass(frozen=True)
class Command:
    """What is killed: what it finds in its folder, and its arguments there."""

    finds: Callable[[Path], object]
    arguments: Callable[[Path], list[object]]

    def start_in(self, folder: Path) -> list[str]:
        folder.mkdir(exist_ok=True)
        self.finds(folder)
        return [str(argument) for argument in self.arguments(folder)]


@pytest.fixture(params=["data preparation", "predict", "report"])
def command(request: pytest.FixtureRequest, mg: Path, run: Path) -> Command:
    def nothing(folder: Path) -> None: ...

    def finished_run(folder: Path) -> None:
        shutil.copytree(run, folder / "run", dirs_exist_ok=True)

    script = [sys.executable, REPOSITORY / "data_prep/mg.py", "--root", mg, "--shots", 16, "--workers", 2]
    replay = ["--engine", "replay", "--responses", run / "saved.jsonl", "--data", run / "data/val.parquet"]
    return {
        "data preparation": Command(nothing, lambda folder: [*script, "--out", folder / "data"]),
        "predict": Command(nothing, lambda folder: [*VISUAL_RFT, "predict", *replay, "--out", folder / "a.jsonl"]),
        "report": Command(finished_run, lambda folder: [*VISUAL_RFT, "report", folder / "run"]),
    }[request.param]


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): content(path) for path in folder.rglob("*") if path.is_file()}


def content(path: Path) -> bytes:
    """What a file holds, without how long its making took and what of it was taken up."""
    data = path.read_bytes()
    return re.sub(rb'"(seconds|resumed)": [0-9.]+', b"", data) if path.name.endswith(".meta.json") else data


def is_whole_or_not_there(name: str, held: bytes, whole: dict[str, bytes]) -> bool:
    """Whether a file is as an undisturbed command leaves it, or one of those that the next run takes up or removes."""
    return whole[name] == held if name in whole else "partial" in name or Path(name).name.startswith(".")


def undisturbed(command: Command, folder: Path) -> tuple[dict[str, bytes], float]:
    arguments = command.start_in(folder)
    start = time.monotonic()
    subprocess.run(arguments, check=True, capture_output=True, timeout=120)
    return files_in(folder), time.monotonic() - start


def test_killed_it_leaves_whole_files_or_none_and_the_next_run_the_same(command: Command, tmp_path: Path) -> None:
    whole, seconds = undisturbed(command, tmp_path / "whole")
    rng = random.Random(seconds)
    ended = 0
    for number in range(KILLS):
        folder = tmp_path / f"killed{number}"
        arguments = command.start_in(folder)
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(rng.uniform(0.5, 1.0) * seconds)  # what comes before is the start of Python
            process.kill()
        ended += process.returncode == 0
        left = files_in(folder)
        assert all(is_whole_or_not_there(name, held, whole) for name, held in left.items()), left.keys()
        subprocess.run(arguments, check=True, capture_output=True, timeout=120)
        assert files_in(folder) == whole, f"after kill {number}, which left {sorted(left)}"
    assert ended < KILLS * 0.8, "they were not killed at all"


ON_A_SMALL_DISK = """
mount -t tmpfs -o size="$SIZE" tmpfs "$SMALL" || exit 99
tar -C "$FOUND" -cf - . | tar -C "$SMALL" -xf - || exit 99
"$@"
status=$?
tar -C "$SMALL" -cf "$LEFT" .
exit $status
"""


@pytest.mark.parametrize("pages", [1, 2, 4, 8, 20, 60])
def test_on_a_full_disk_it_leaves_whole_files_or_none_and_one_line(
    command: Command, pages: int, tmp_path: Path
) -> None:
    """The disk has room for what the command finds, and for so many pages of 4 KiB."""
    probe = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"no disk may be mounted here: {probe.stderr}")
    small = tmp_path / "small"
    arguments = command.start_in(small)
    found = small.rename(tmp_path / "found")
    small.mkdir()
    whole, _ = undisturbed(command, tmp_path / "whole")
    size = 4096 * (pages + sum(2 + path.stat().st_size // 4096 for path in [found, *found.rglob("*")]))
    places = {"SMALL": str(small), "FOUND": str(found), "LEFT": str(tmp_path / "left.tar")}
    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", ON_A_SMALL_DISK, "bash", *arguments],
        env=os.environ | places | {"SIZE": str(size)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (tmp_path / "left.tar").exists(), done.stderr
    (tmp_path / "left").mkdir()
    subprocess.run(["tar", "-C", tmp_path / "left", "-xf", tmp_path / "left.tar"], check=True)
    left, errors = files_in(tmp_path / "left"), [line for line in done.stderr.splitlines() if "error: " in line]
    assert all(is_whole_or_not_there(name, held, whole) for name, held in left.items()), left.keys()
    if done.returncode == 0:
        assert left == whole
    else:
        assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
        assert len(errors) == 1 and "no space left" in errors[0].lower(), done.stderr
