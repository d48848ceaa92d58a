# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of each part of a run, at drawn moments, and what came of it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import psutil
from faults.supervised import NOTICED_WITHIN, START_WITHIN, CampaignError, Run

from verl_visual_rft.training.checkpoints.folders import PARTIAL

#: How a part's process is called: its name, or the beginning of its title.
PARTS = {
    "trainer": "ray::TaskRunner",
    "agent loop worker": "ray::VisualRFTAgentLoopWorker",
    "reward worker": "ray::RewardLoopWorker",
    "vLLM engine": "VLLM::EngineCore",
    "raylet": "raylet",
    "training worker": "ray::WorkerDict",
    "vLLM server": "ray::vLLMHttpServer",
    "transfer queue storage": "ray::SimpleStorageUnit",
    "Ray's head service": "gcs_server",
    "command": "",  # main_ppo
    "launcher": "",
    "transfer queue controller": "ray::TransferQueueController",
}
# Without the last, so that a seed draws what it has drawn for docs/faults.md.
_DRAWN = list(PARTS)[:-1]
#: In the middle of the start, of a step (rollout, update, weights), of the writing of a checkpoint; and how often.
MOMENTS = {"start": 1, "step": 2, "checkpoint": 2}


@dataclass(frozen=True)
class Kill:
    """What is killed, and when.

    Attributes:
        part: Of `PARTS`.
        moment: Of `MOMENTS`.
        share: Of the moment's length that is waited, in [0, 1).
    """

    part: str
    moment: str
    share: float


@dataclass(frozen=True)
class Outcome:
    """What came of a kill.

    Attributes:
        seconds: From the kill to the end of the command; that of the longest wait where the run went on.
        inside: Whether a checkpoint was being written at the kill.
        went_on: Whether the run did without the part.
        said: What the launcher said of it.
        logged: Last step in the metrics before the kill.
        saved: Last complete checkpoint after it, from which the next start goes on.
        left: Processes that were left 20 s after the end.
        wrong: What must not be; empty when all is well.
    """

    kill: Kill
    seconds: float
    inside: bool
    went_on: bool
    said: str
    logged: int
    saved: int
    left: int
    wrong: str = ""


def plan(kills: int, seed: int) -> list[Kill]:
    """Draw a campaign: every part in turn, in an order and at moments that the seed decides."""
    draws = random.Random(seed)
    parts: list[str] = []
    while len(parts) < kills:
        parts += draws.sample(_DRAWN, len(_DRAWN))
    moments = [moment for moment, often in MOMENTS.items() for _ in range(often)]
    return [Kill(part, draws.choice(moments), draws.random()) for part in parts[:kills]]


def carry_out(run: Run, kill: Kill) -> Outcome:
    """Carry a kill out, on the run as it is or on a new start of it, which must go on from the last checkpoint."""
    try:
        if kill.moment == "start":
            run.end()
        if not run.is_running:
            start_again(run, wait=kill.moment != "start")
        return _kill(run, kill)
    except CampaignError as error:
        said = run.said()
        run.end()
        return Outcome(kill, 0.0, False, False, said, max(run.steps(), default=0), 0, 0, str(error))


def start_again(run: Run, *, wait: bool = True) -> None:
    """Start a run that is ended, and wait for its first step, which is the one after the last checkpoint.

    Raises:
        CampaignError: It is another.
    """
    saved = run.last_saved()
    run.start()
    if wait:
        run.next_step()
        first = run.steps()[0]
        if first != saved + 1:
            raise CampaignError(f"resumed with step {first} after a checkpoint of step {saved}")


def _kill(run: Run, kill: Kill) -> Outcome:
    victim = _wait_for_moment(run, kill)
    saved_before, logged = run.last_saved(), max(run.steps(), default=0)
    victim.kill()
    inside = _is_writing(run)
    killed = time.monotonic()
    wrong = ""
    while run.is_running and time.monotonic() - killed < NOTICED_WITHIN:
        time.sleep(0.1)
    seconds, went_on = time.monotonic() - killed, run.is_running
    if went_on and max(run.steps(), default=0) <= logged:
        run.end()
        wrong, went_on = f"it neither ended nor went on within {NOTICED_WITHIN:.0f} s", False
    left = 0 if went_on else _left_after(run, 20.0)
    logged = max([logged, *run.steps()])
    try:
        saved = run.last_saved()
    except CampaignError as error:
        saved, wrong = saved_before, str(error)
    if saved < max(saved_before, logged):
        wrong = f"step {max(saved_before, logged)} was saved, and the last checkpoint is of step {saved}"
    if not wrong and left and kill.part != "launcher":
        wrong = f"{left} processes were left"
    return Outcome(kill, seconds, inside, went_on, run.said(), logged, saved, left, wrong)


def _is_writing(run: Run) -> bool:
    return (run.checkpoints / PARTIAL).exists()


def _wait_for_moment(run: Run, kill: Kill) -> psutil.Process:
    if kill.moment == "start":
        run.wait(lambda: _parts(run, kill.part) != [], START_WITHIN, f"the {kill.part}")
        time.sleep(10 * kill.share)
        return _part(run, kill.part)
    run.next_step()
    victim = _part(run, kill.part)  # looked for before: it takes a while
    if kill.moment == "step":
        time.sleep(3 * kill.share)
    else:
        run.wait(lambda: _is_writing(run), NOTICED_WITHIN, "a checkpoint", every=0.0005)
        time.sleep(0.1 * kill.share)
    return victim


def _part(run: Run, part: str) -> psutil.Process:
    found = _parts(run, part)
    if not found:
        raise CampaignError(f"there is no {part}")
    return found[0]


def _parts(run: Run, part: str) -> list[psutil.Process]:
    if part == "launcher":
        return [psutil.Process(run.pid)]
    return [process for process in run.processes() if _is(process, part)]


def _is(process: psutil.Process, part: str) -> bool:
    try:
        command = process.cmdline()
        if part == "command":
            return "verl.trainer.main_ppo" in command and "verl_visual_rft.launching.launch" not in command
        return PARTS[part] == process.name() or " ".join(command).startswith(PARTS[part])
    except psutil.Error:
        return False


def _left_after(run: Run, seconds: float) -> int:
    end = time.monotonic() + seconds
    while run.processes() and time.monotonic() < end:
        time.sleep(0.5)
    return len(run.processes())
