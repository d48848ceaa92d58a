# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Run a training command so that a person can watch it, stop it and start it again.

    python -m verl_visual_rft.launching.launch --run outputs/rft --title GRPO --steps 100 -- COMMAND...

Everything that the command prints goes to ``RUN/log.txt``; its metrics go to ``RUN/metrics.<n>.jsonl``, one file a
start, because veRL's file logger empties the file it is given; the terminal shows one line of progress. When the
command ends, fails, or is interrupted, every process that it left behind is ended, and no other: they carry the run's
folder in their environment. A start first ends what a killed start of the same run left. A command with
``cluster=running`` trains on the Ray cluster of ``RAY_ADDRESS``: the same then holds on all its nodes, and the run ends
when one of them does (`verl_visual_rft.launching.nodes`).
"""

from __future__ import annotations

import argparse
import ctypes
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any

import psutil

from verl_visual_rft.errors import UserError
from verl_visual_rft.launching import shared_memory
from verl_visual_rft.launching.cluster import LOG_FOLDERS, UNPROTECTED, NodeWatch, uses_running_cluster, with_token
from verl_visual_rft.launching.progress import last_step, watch_progress
from verl_visual_rft.launching.ray_services import LONGEST_FOLDER, RayServices
from verl_visual_rft.launching.run_log import explained, ray_was_late, text_from
from verl_visual_rft.locks import alone
from verl_visual_rft.terminal import say
from verl_visual_rft.training import stopping
from verl_visual_rft.training.fixes import remove_weight_sockets
from verl_visual_rft.training.run_mark import RUN_MARK, draw_secret, short_name

_GRACE = 15.0  # seconds between asking processes to end and ending them
#: Of the run's own Ray cluster, unless the user has set them.
_RAY_SETTINGS = {
    # The head remembers 100 000 tasks, 4 kB each, a few hundred a step; for its dashboard, which runs have not.
    "RAY_task_events_max_num_task_in_gcs": "1000",
    # A worker a core, started in advance; veRL's want an environment of their own, so none of these is ever used.
    "RAY_prestart_worker_first_driver": "0",
}
_PR_SET_PDEATHSIG = 1
_ONE_SIGNAL = 2.0  # seconds in which a batch system may send one SIGTERM twice, to the recipe and to all its processes


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run; return the command's exit status, or 130 when interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m verl_visual_rft.launching.launch",
        description="Run a training command with its log in a file and one line of progress on the terminal.",
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of the log and the metrics; created")
    parser.add_argument("--title", required=True, help="what the line of progress says")
    parser.add_argument("--steps", type=int, default=None, help="training steps to expect")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- command and its arguments")
    options = parser.parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("no command after --")
    return launch(options.run, options.title, options.steps, command)


def launch(run: Path, title: str, steps: int | None, command: Sequence[str]) -> int:
    """Run ``command`` as the run in folder ``run``; see the module's text.

    Returns:
        The command's exit status; 2 when the run is under way already, 130 when interrupted, 143 when stopped with its
        last step saved.
    """
    run = run.resolve()
    run.mkdir(parents=True, exist_ok=True)
    _end_with_parent()
    log = run / "log.txt"
    begin = log.stat().st_size if log.exists() else 0
    try:
        with alone(run, run / ".launch.lock"):
            status, said = _run_once(run, title, steps, command)
            if status not in (0, 130, stopping.STOPPED) and ray_was_late(text_from(log, begin)):
                _say(f"{title}: Ray did not start in the time that it gives itself, as on a busy machine; once more")
                status, said = _run_once(run, title, steps, command)
    except UserError as error:  # else it would take the other start for a killed one, and end it
        status, said = 2, f"{title}: {error}"
    if said:
        _say(said)
    return status


def _run_once(run: Path, title: str, steps: int | None, command: Sequence[str]) -> tuple[int, str]:
    """Run the command; return what `launch` returns, and what there is to say of the end."""
    end_processes_of(run)
    shutil.rmtree(_ray_folder_of(run), ignore_errors=True)  # of a start that was killed
    draw_secret(run)
    stopping.forget(run)
    metrics = _next_metrics_file(run)
    lost = ""

    def asks_to_stop() -> bool:
        return stopping.can_stop(command) and metrics.exists() and stopping.ask_to_stop(run)

    with _interruptible(asks_to_stop), open(run / "log.txt", "ab") as log, ExitStack() as until_ended:
        environment = os.environ | {RUN_MARK: str(run), "VERL_FILE_LOGGER_PATH": str(metrics)}
        environment = {name: str(run / folder) for name, folder in LOG_FOLDERS.items()} | environment
        environment["SPT_NOENV"] = "1"  # else vLLM's processes write their titles over their environment with the mark
        watch = None
        try:
            if uses_running_cluster(command):
                environment = with_token(environment)
                watch = NodeWatch(run, log)
                _say(f"{title}: warning: {UNPROTECTED}")
            else:
                if environment.get("RAY_TMPDIR"):
                    _check_ray_folder(Path(environment["RAY_TMPDIR"], "ray"))
                else:
                    environment["RAY_TMPDIR"] = until_ended.enter_context(_ray_folder(run))
                environment = _RAY_SETTINGS | {"VLLM_RPC_BASE_PATH": environment["RAY_TMPDIR"]} | environment
            start = log.tell()
            process = _start(command, environment, log)
            services = RayServices(process.pid)
            try:
                watch_progress(
                    process, title, steps, metrics, lambda: services.given_up or bool(watch and watch.has_lost_one)
                )
            finally:
                lost = services.lost()
                _end_process(process, 0.0 if lost else _GRACE)  # without Ray's services it cannot end in order
        except UserError as error:
            return 2, f"{title}: {error}"
        except KeyboardInterrupt:
            return 130, f"{title}: interrupted, its processes are ended; the same command goes on from here"
        finally:
            if watch is not None:
                lost = watch.end() or lost
            end_processes_of(run)
    if lost and process.returncode != 0:
        remedy = "mend that, and the same command goes on from the last checkpoint"
        return 1, f"{title}: {lost}; {remedy}. {run / 'log.txt'}"
    if process.returncode != 0:
        why = explained(text_from(run / "log.txt", start), process.returncode)
        said = f"{title} failed (exit status {process.returncode}):\n{why}\nThe whole log: {run / 'log.txt'}"
        return process.returncode, said
    if stopping.forget(run) and (steps is None or last_step(metrics) < steps):
        return stopping.STOPPED, f"{title}: stopped, its last step is saved; the same command goes on from here"
    return 0, ""


def _start(command: Sequence[str], environment: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # Ctrl-C reaches us alone; we end the run in order
        preexec_fn=_end_with_parent,
    )


def end_processes_of(run: Path) -> int:
    """End every process, other than this one and its ancestors, that carries the mark of ``run``; return how many.

    Their shared memory and sockets go with them.
    """
    keep = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = [process for process in psutil.process_iter() if process.pid not in keep and _belongs(process, run)]
    for process in found:
        _quietly(process.terminate)
    _, stubborn = psutil.wait_procs(found, timeout=_GRACE if found else 0)
    for process in stubborn:
        _quietly(process.kill)
    shared_memory.remove_all_of(run)
    remove_weight_sockets(run)
    return len(found)


@contextmanager
def _ray_folder(run: Path) -> Iterator[str]:
    """A folder for the run's Ray cluster.

    Where the user has set another (``RAY_TMPDIR``), that one is used, and what Ray leaves there is left.
    """
    folder = _ray_folder_of(run)
    folder.mkdir(mode=0o700)
    try:
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ray_folder_of(run: Path) -> Path:
    """Return its path: short, because those of Unix sockets in it may have 107 characters."""
    return Path("/tmp") / f"vrft-{os.getuid()}-{short_name(run, 8)}"


def _check_ray_folder(folder: Path) -> None:
    """Refuse a folder of the user's choice in which Ray could make no sockets."""
    too_long = len(os.fsencode(folder)) - LONGEST_FOLDER
    if too_long > 0:
        link = f"/tmp/ray-{os.getuid()}"
        raise UserError(
            f"RAY_TMPDIR={folder.parent} is {too_long} characters too long for the Unix sockets that Ray makes below "
            f"it; use a link to it, as in: ln -s {folder.parent} {link}; export RAY_TMPDIR={link}"
        )


def _next_metrics_file(run: Path) -> Path:
    numbers = [int(path.name.split(".")[1]) for path in run.glob("metrics.*.jsonl")]
    return run / f"metrics.{max(numbers, default=0) + 1}.jsonl"


def _say(text: str) -> None:
    say(text, error=True)


@contextmanager
def _interruptible(asks_to_stop: Callable[[], bool]) -> Iterator[None]:
    """Let SIGTERM end the run like Ctrl-C, and SIGINT also where the shell made a background job ignore it.

    A SIGTERM on which ``asks_to_stop`` is true is not the end: the run goes on to the end of its step.
    """
    asked = -math.inf

    def interrupt(signum: int, frame: FrameType | None) -> None:
        nonlocal asked
        if signum == signal.SIGTERM and asks_to_stop():
            asked = time.monotonic()
            with suppress(OSError):  # a terminal that has hung up
                os.write(2, b"SIGTERM: finishing the step at hand, then a checkpoint; once more ends the run at once\n")
            return
        if signum == signal.SIGTERM and time.monotonic() - asked < _ONE_SIGNAL:
            return
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)  # Ray's jobs have SIGINT blocked
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_process(process: subprocess.Popen[bytes], grace: float) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)  # Ray ends its cluster on this
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent() -> None:
    """Have the kernel end this process when its parent dies, even of SIGKILL (Linux ``prctl``)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _belongs(process: psutil.Process, run: Path) -> bool:
    try:
        return bool(process.environ().get(RUN_MARK) == str(run))
    except psutil.Error:
        return False  # ended meanwhile, or another user's


def _quietly(action: Any) -> None:
    try:
        action()
    except psutil.NoSuchProcess:
        return


if __name__ == "__main__":
    sys.exit(main())
