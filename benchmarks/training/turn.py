# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""One turn of one contestant: its process, its steps, its memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contestants import Contestant, Setting
from memory import MemorySampler

#: Metrics of a step that the contestants must agree on where they have the same responses.
LOSSES = ("critic/score/mean", "actor/pg_loss", "actor/kl_loss", "actor/grad_norm", "actor/entropy")


@dataclass(frozen=True)
class Step:
    """What happened between the end of the step before and the end of this one."""

    number: int
    end: float  # on the machine's monotonic clock
    seconds: float
    metrics: dict[str, float]
    processed_pictures: int  # as often as an image processor was given them
    put_bytes: int
    read_bytes: int
    idle: float | None  # from the last response in the queue to the trainer that has the batch

    @property
    def stages(self) -> dict[str, float]:
        """Seconds by stage, as the contestant itself reports them."""
        return {name[9:]: value for name, value in self.metrics.items() if name.startswith("timing_s/")}


@dataclass(frozen=True)
class Turn:
    """The result of a turn.

    Attributes:
        steps: All but the first, which also pays for start-up.
        first: Metrics of the first step.
        peak_bytes: The largest sum of PSS over the contestant's processes.
        memory: PSS of each process at the end of each step, steps as in ``steps``.
        sampling_share: Share of a core that sampling the memory took.
    """

    contestant: str
    round: int
    steps: list[Step]
    first: dict[str, float]
    peak_bytes: int
    memory: list[dict[str, int]]
    sampling_share: float

    @property
    def seconds(self) -> float:
        """Median seconds of a step, from the end of one to the end of the next."""
        return statistics.median(step.seconds for step in self.steps)


def take_turn(contestant: Contestant, setting: Setting, number: int, sample_every: float) -> Turn:
    """Run the contestant once, or read what it did when it was run before."""
    folder = setting.folder / f"{contestant.name}.{number}"
    result = folder / "turn.json"
    if not result.exists():
        events = folder / "events"
        events.mkdir(parents=True, exist_ok=True)
        for old in events.glob("*.jsonl"):
            old.unlink()
        turn = _run(contestant, setting, folder, number, sample_every)
        partial = result.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(turn)))
        partial.rename(result)
    stored = json.loads(result.read_text())
    if len(stored["steps"]) + 1 != setting.steps:
        raise SystemExit(f"{result} has another number of steps; use another folder, or remove {folder}")
    return Turn(**stored | {"steps": [Step(**step) for step in stored["steps"]]})


def _run(contestant: Contestant, setting: Setting, folder: Path, number: int, sample_every: float) -> Turn:
    command = [sys.executable, "-m", "verl_visual_rft.launching.launch", "--run", str(folder)]
    command += ["--title", f"{contestant.name}, turn {number}", "--", *contestant.command(setting, folder)]
    environment = {name: value for name, value in os.environ.items() if name not in contestant.unset}
    environment |= contestant.environment(setting) | {"BENCHMARK_EVENTS": str(folder / "events")}
    process = subprocess.Popen(command, env=environment, stdout=sys.stderr)  # stdout is for the result
    try:
        with MemorySampler(process.pid, sample_every) as memory:
            status = process.wait()
    finally:
        process.terminate()
        process.wait()
    if status != 0:
        raise SystemExit(f"{contestant.name} failed, see {folder}/log.txt")
    steps = read_steps(folder / "events")
    span = memory.samples[-1][0] - memory.samples[0][0]
    return Turn(
        contestant=contestant.name,
        round=number,
        steps=steps[1:],
        first=steps[0].metrics,
        peak_bytes=max(sum(sizes.values()) for _, sizes in memory.samples),
        memory=[_last_before(step.end, memory) for step in steps[1:]],
        sampling_share=memory.seconds / span,
    )


def _last_before(moment: float, memory: MemorySampler) -> dict[str, int]:
    return [sizes for time, sizes in memory.samples if time <= moment][-1]


def read_steps(events: Path) -> list[Step]:
    """Return the steps that a contestant's processes recorded, each with the events since the one before."""
    records: list[dict[str, Any]] = sorted(_records(events), key=lambda record: record["t"])
    steps, since, begin = [], [], records[0]["t"]
    for entry in records:
        if entry["event"] != "step":
            since.append(entry)
            continue
        if not any(name.startswith("timing_s/") for name in entry["data"]):
            continue  # the metrics of a validation
        steps.append(
            Step(
                number=entry["step"],
                end=entry["t"],
                seconds=entry["t"] - begin,
                metrics=entry["data"],
                processed_pictures=sum(other["pictures"] for other in since if other["event"] == "processor"),
                put_bytes=sum(other["bytes"] for other in since if other["event"] == "put"),
                read_bytes=sum(other["bytes"] for other in since if other["event"] == "read"),
                idle=_idle(since),
            )
        )
        since, begin = [], entry["t"]
    return steps


def _idle(events: list[dict[str, Any]]) -> float | None:
    taken = [event["t"] for event in events if event["event"] == "batch"]
    if not taken:
        return None
    return float(taken[0] - max(event["t"] for event in events if event["event"] == "put" and event["t"] < taken[0]))


def _records(events: Path) -> Iterable[dict[str, Any]]:
    for path in events.glob("*.jsonl"):
        for line in path.read_text().splitlines():
            yield json.loads(line)
