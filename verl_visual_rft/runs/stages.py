# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Stages: commands that are run once. A finished one is reused, an interrupted one goes on, another's work is kept."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from verl_visual_rft.atomic import write_text
from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.errors import UserError
from verl_visual_rft.locks import open_locked
from verl_visual_rft.runs.commands import Command, write_command_file
from verl_visual_rft.runs.keys import changes, setting_lines, settings_of, stage_key, work_key
from verl_visual_rft.runs.process import run_passing_signals
from verl_visual_rft.terminal import say

_STEPS = "trainer.total_training_steps="
_LINES_OF_A_LOG = 3
#: Statuses of a command that a signal of `run_passing_signals` ended: it did not fail, and its log says nothing of it.
_ASKED_TO_END = (128 + signal.SIGINT, 128 + signal.SIGTERM)
#: What a user may have set for a training, and its ``command.sh`` therefore repeats; no secrets.
_REPEATED = ("CUDA_VISIBLE_DEVICES", "RAY_ADDRESS", "HF_HOME", "HF_HUB_OFFLINE", "PYTHONPATH")


@dataclass(frozen=True)
class Stage:
    """A command, and what is kept of it."""

    name: str  #: Of its record; of its folder in OUTPUT_DIR, where it makes one.
    title: str  #: For people.
    command: Command  #: Its words.
    kind: str = ""  #: What STAGES may ask for.
    after: str = ""  #: The stage that it builds on; empty: the one before it.
    log: Path | None = None  #: File that keeps its standard error.
    output: Path | None = None  #: File that keeps its output.
    #: A ``.jsonl`` that it makes of a model: made of another, or with other settings, it is set aside.
    answers: Path | None = None
    is_training: bool = False  #: Whether its folder tells the command in ``command.sh``.
    is_data: bool = False  #: Whether its folder lists in a manifest what it made.
    always: bool = False  #: Whether it is made anew each time; then it keeps no record, and nothing builds on it.

    def as_json(self) -> str:
        """Return the line that DRY_RUN=1 prints of it."""
        return json.dumps({"stage": self.name, "title": self.title, "command": self.command})


@contextmanager
def lock_output(output: Path) -> Iterator[int]:
    """Hold a run's folder, which is made; yields the lock's file descriptor.

    Raises:
        UserError: Another run holds it: the second start would write over the first.
    """
    (output / ".stages").mkdir(parents=True, exist_ok=True)
    with open_locked(output / ".lock", output) as file:
        yield file.fileno()


@dataclass(frozen=True)
class _Done:
    """What the stages after one want to know of it: its key, and whether it was made in this start."""

    key: str
    was_made: bool


class Stages:
    """Runs the stages of a folder, in order.

    Each is reused while it and all before it stay the same. One that was interrupted goes on, also with settings that
    have no effect on its result, and to more steps. What was made with other settings, in the folder of its name, is
    never removed: that is refused.
    """

    def __init__(
        self,
        output: Path,
        count: int,
        folder: Path,
        variables: Mapping[str, str],
        kinds: Sequence[str] = (),
        kept: Sequence[int] = (),
    ) -> None:
        """Begin.

        Args:
            output: Folder of the run.
            count: How many stages there will be, for people.
            folder: Commands run there.
            variables: Environment variables that they get besides this process's.
            kinds: Kinds of stages that are run; empty: all.
            kept: File descriptors that commands inherit.
        """
        self._output, self._count, self._folder, self._kinds, self._kept = output, count, folder, kinds, kept
        self._variables = dict(variables)
        self._number = 0
        self._done: dict[str, _Done] = {}
        self._left_out = ""

    def asks_for(self, stage: Stage) -> bool:
        """Whether STAGES has the stage's kind."""
        return not self._kinds or not stage.kind or stage.kind in self._kinds

    def run(self, stage: Stage) -> None:
        """Run a stage, reuse it, or leave it out.

        Raises:
            UserError: It was begun with other settings, builds on what is left out and not done, or failed with a log.
            SystemExit: It failed, with its status: it has said why.
        """
        self._number += 1
        if stage.always:
            if self.asks_for(stage):
                self._refuse_what_is_left_out()
                say(self._label(stage))
                self._execute(stage)
            return
        before = self._done[stage.after or next(reversed(self._done))] if self._done else _Done("", False)
        settings = settings_of(stage.command, self._output)
        record = _Record(self._output, stage.name, stage_key(before.key, settings), work_key(before.key, settings))
        known = record.is_done(before.was_made) and (not stage.is_data or _has_listed_files(record.made))
        if not self.asks_for(stage):
            self._left_out = self._left_out or ("" if known else stage.name)
        else:
            self._refuse_what_is_left_out()
            self._make(stage, record, setting_lines(settings), known)
        was_made = not known if self.asks_for(stage) else before.was_made
        self._done[stage.name] = _Done(record.key, was_made)

    def _make(self, stage: Stage, record: _Record, settings: Sequence[str], known: bool) -> None:
        label, changed = self._label(stage), record.changes(settings)
        if known:
            say(f"{label}: done before, reused{f'; without effect on it: {changed}' if changed else ''}")
            return
        if record.was_begun and record.made.exists():
            record.refuse_other_work(settings, changed)
            label += f": goes on, with {changed}" if changed else ""
        else:
            record.refuse_foreign_work()
            if stage.answers and not record.is_same_work:
                _set_aside(stage.answers)
        record.begin(settings)
        say(label)
        begin = time.monotonic()
        self._execute(stage)
        record.finish(int(time.monotonic() - begin))

    def _label(self, stage: Stage) -> str:
        return f"[{self._number}/{self._count}] {stage.title}"

    def _refuse_what_is_left_out(self) -> None:
        if self._left_out:
            raise UserError(
                f"STAGES={','.join(self._kinds)} builds on the stage '{self._left_out}', which is not done with these "
                "settings; add its kind to STAGES"
            )

    def _execute(self, stage: Stage) -> None:
        programs = Path(sys.executable).parent
        if stage.is_training:
            repeated = {name: os.environ[name] for name in _REPEATED if name in os.environ}
            path = self._output / stage.name / "command.sh"
            write_command_file(path, stage.command, repeated | self._variables, programs, self._folder)
        environment = os.environ | self._variables
        environment["PATH"] = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        with ExitStack() as files:
            output, errors = (
                None if file is None else files.enter_context(_made(file).open("wb"))
                for file in (stage.output, stage.log)
            )
            status = run_passing_signals(stage.command, self._folder, environment, output, errors, self._kept)
        if status and (stage.log is None or status in _ASKED_TO_END):
            raise SystemExit(status)
        if status and stage.log is not None:
            for line in stage.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES_OF_A_LOG:]:
                say(line, error=True)
            raise UserError(f"{stage.title} failed; the whole log: {stage.log}")


class _Record:
    """What a folder keeps of a stage: how it was begun, and that it was done."""

    def __init__(self, output: Path, name: str, key: str, work: str) -> None:
        self.key, self._work = key, work
        self.made = output / name
        self._begun, self._done = (output / ".stages" / f"{name}.{what}" for what in ("begun", "done"))
        self._lines = _lines(self._begun)

    @property
    def was_begun(self) -> bool:
        return self._begun.is_file()

    @property
    def is_same_work(self) -> bool:
        """Whether it was begun with these settings, whatever the length of a training."""
        return self._lines[:1] == [self._work]

    def is_done(self, was_made_before: bool) -> bool:
        """Whether it was done with these settings, and what it made is there.

        What has no folder of its own is made again after the stage that it builds on was.
        """
        key, _, kind, *_ = [*_lines(self._done), "", "", ""]
        return key == self.key and (self.made.exists() if kind == "made" else not was_made_before)

    def changes(self, settings: Sequence[str]) -> str:
        if not self.was_begun:
            return ""
        if not self._lines[1:]:
            return "those of an earlier version, which are not known"
        return changes(self._lines[1:], settings)

    def refuse_other_work(self, settings: Sequence[str], changed: str) -> None:
        """Refuse to go on with what was begun otherwise, or is trained beyond the steps that are asked for now."""
        before, now = _steps(self._lines[1:]), _steps(settings)
        numbers = (before + now).isdecimal() and (before + now).isascii()
        if self.is_same_work and (now == before or (numbers and int(now or 0) >= _last_checkpoint(self.made))):
            return
        raise UserError(
            f"{self.made} was made with other settings: {changed or 'what it is made from was another'}. It is not "
            "touched: give the earlier settings again, set OUTPUT_DIR to another folder, or remove "
            f"{self.made} to make it anew"
        )

    def refuse_foreign_work(self) -> None:
        """Refuse to write over what no stage of this name has begun: it may be the user's own."""
        is_empty = not self.made.exists() or (self.made.is_dir() and not any(self.made.iterdir()))
        if not is_empty and not self.was_begun and not self._done.is_file():
            raise UserError(
                f"{self.made} is there, but was not made by a run in this OUTPUT_DIR. It is not touched: set "
                f"OUTPUT_DIR to another folder, or move or remove {self.made}"
            )

    def begin(self, settings: Sequence[str]) -> None:
        if not self.is_same_work:  # a longer training that fails leaves the shorter one as it was
            self._done.unlink(missing_ok=True)
        write_text(self._begun, "\n".join([self._work, *settings]) + "\n")

    def finish(self, seconds: int) -> None:
        kind = "made" if self.made.exists() else "elsewhere"
        write_text(self._done, f"{self.key}\n{seconds}\n{kind}\n")


def _has_listed_files(folder: Path) -> bool:
    """Whether a prepared folder has its manifest, and all that this says is beside it."""
    try:
        files = load_manifest(folder)["files"]
    except UserError:
        return False
    return all((folder / name).is_file() for name in files)


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="replace").rstrip("\n").split("\n") if file.is_file() else []


def _steps(lines: Sequence[str]) -> str:
    """Return the steps of a training; the last word holds."""
    return next((line.removeprefix(_STEPS) for line in reversed(lines) if line.startswith(_STEPS)), "")


def _last_checkpoint(run: Path) -> int:
    steps = (path.name.rpartition("_")[2] for path in (run / "checkpoints").glob("global_step_*"))
    return max((int(step) for step in steps if step.isdecimal()), default=0)


def _set_aside(answers: Path) -> None:
    """Keep a file, and what lies beside it under its name, under a free number: answers.jsonl as answers.1.jsonl."""
    if not answers.is_file() or answers.stat().st_size == 0:
        return
    number = 1
    while (kept := answers.with_suffix(f".{number}.jsonl")).exists():
        number += 1
    say(f"{answers} was made with other settings: kept as {kept}")
    for suffix in (".meta.json", ".existence.json", ".jsonl"):
        if (file := answers.with_suffix(suffix)).exists():
            file.rename(answers.with_suffix(f".{number}{suffix}"))


def _made(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file
