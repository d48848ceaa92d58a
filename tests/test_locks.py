# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of two at once: the second writer of a folder or file is refused, and nothing of either is mixed."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from verl_visual_rft import locks
from verl_visual_rft.datasets.manifest import MANIFEST_NAME, load_manifest
from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
from verl_visual_rft.datasets.writer import staged_folder
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict.journal import Journal
from verl_visual_rft.locks import alone, open_locked
from verl_visual_rft.miniature.originals import write_fake
from verl_visual_rft.miniature.shapes import write_shapes
from verl_visual_rft.tasks.classification.question import ClassificationQuestion, ClassSet
from verl_visual_rft.tasks.question import Picture
from verl_visual_rft.training import export


def prepared(out: Path, colour: str = "red") -> None:
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(picture, "JPEG")
    question = ClassificationQuestion(
        Picture("1", Path("none"), "1.jpg", data=picture.getvalue()),
        0,
        ClassSet((colour, "blue"), "a square", "its colour"),
    )
    prepare(out, {"train": [question] * 3, colour: [question]}, PrepareOptions(), colour, [])


def exported(out: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "checkpoint_of", lambda run, best: run)
        patch.setattr(export, "is_adapter", lambda shards: False)
        patch.setattr(export, "_merge_shards", lambda shards, staging: staging.mkdir())
        export.export(out.parent, "none")


#: Commands that write bit by bit (not segment: test_sam.py has it): what is written, its lock file, and the command.
WRITERS: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    "data preparation": ("out", "out/.lock", prepared),
    "shapes": ("out", "out/.lock", lambda out: write_shapes(out, 1, 1)),
    "miniature": ("out", ".out.lock", lambda out: write_fake("reasonseg", out)),
    "export": ("hf", ".hf.lock", exported),
    "predict": ("out", "out", lambda out: Journal(out).__exit__(None, None, None)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_second_writer_is_refused_in_one_line_and_the_third_is_not(name: str, tmp_path: Path) -> None:
    out, lock, write = WRITERS[name]
    (tmp_path / lock).parent.mkdir(exist_ok=True)
    with alone(tmp_path / out, tmp_path / lock):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(UserError, match=rf"{out} is being written by another process; wait for it") as caught:
            write(tmp_path / out)
        assert "\n" not in str(caught.value)
        assert sorted(tmp_path.rglob("*")) == before
    if (tmp_path / out).is_dir():
        (tmp_path / out).rmdir()
    write(tmp_path / out)
    assert not (lock != out and (tmp_path / lock).exists())


@pytest.mark.parametrize("pair", range(5))
def test_of_two_preparations_at_once_each_is_whole_or_refused(pair: int, tmp_path: Path) -> None:
    out, outcomes, start = tmp_path / "out", [], threading.Barrier(3)

    def run(colour: str) -> None:
        start.wait()
        try:
            prepared(out, colour)
            outcomes.append("")
        except UserError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=run, args=(colour,)) for colour in ("red", "green", "teal")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "" in outcomes
    assert all(not error or "being written by another process" in error for error in outcomes)
    manifest = load_manifest(out)
    assert manifest["files"] == {
        path.name: {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in sorted(out.iterdir())
        if path.name != MANIFEST_NAME
    }


HOLD = (
    "import sys, time; from pathlib import Path; from verl_visual_rft.datasets.writer import staged_folder\n"
    "with staged_folder(Path(sys.argv[1]), 'last') as folder:\n"
    "    (folder / 'a').touch(); print('held', flush=True); time.sleep(600)"
)


def test_a_kill_ends_the_lock_and_the_next_run_takes_over(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(out)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="being written"), staged_folder(out, "last"):
            pass
        assert (out / ".partial/a").exists()  # of the first, untouched by the second
        holder.send_signal(signal.SIGKILL)
    with staged_folder(out, "last") as folder:
        (folder / "b").touch()
    assert [path.name for path in out.iterdir()] == ["b"]


def test_a_lock_whose_file_was_removed_between_opening_and_locking_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, calls = tmp_path / ".lock", []

    def lock(file: Any, how: int) -> None:
        if not calls:
            path.unlink()  # as its former holder does at this moment
        calls.append(how)
        fcntl_flock(file, how)

    fcntl_flock = fcntl.flock
    monkeypatch.setattr(locks.fcntl, "flock", lock)
    with open_locked(path) as file:
        assert len(calls) == 2 and os.path.samestat(os.fstat(file.fileno()), path.stat())


@pytest.mark.parametrize("name", ["data preparation", "shapes", "miniature", "predict"])
def test_a_place_that_cannot_be_written_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write .*file/out") as caught:
        WRITERS[name][2](tmp_path / "file/out")
    assert "\n" not in str(caught.value)
