# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The training runtime beside what one would use instead: same model, data, reward, precision, lengths and machine.

    python benchmarks/training/run.py pictures DIR                      image-bound: plain veRL and ours
    python benchmarks/training/run.py lengths DIR --sizes 0.6M 10M      generation and update: also TRL and a plain loop
    python benchmarks/training/run.py long DIR                          300 steps of ours: memory and step time

Each contestant is a process of its own and has its turns alone; with ``--rounds`` above 1 they take turns again, in the
opposite order. A turn that is finished is kept in DIR and not run again, so that the same command goes on where it was
stopped; another DIR starts anew. The first step of a turn pays for start-up and is not measured.

Contestants:

- ``plain``: veRL with its own configuration, trainer, agent loop and reward manager; of the plug-in only what a CPU
  needs. Ray gives each of its workers one thread. ``threads``: the same with all cores for every worker.
- ``ours``: the same algorithm through the plug-in, as recipes run it (all cores for every worker).
- ``ours-threads``, ``ours-event``, ...: ours with one thing taken out, to see what it gives.
- ``ours-seeds``: ours with ``visual_rft.seed_rollouts=false``, to see what seeding each response costs.
- ``hf``: generate, reference, forward, backward in one process, transformers only.
- ``trl``: GRPOTrainer of the newest TRL, in the environment ``--env`` (default DIR/trl), which is made if missing.

The models are random, from 0.6 to 41 million parameters, fp32, and cannot end a response (models.py), so that lengths
are equal for all. A step is 8 prompts x 8 responses, one update, with the reference policy. Seconds of a step are
those from the end of one step to the end of the next. What is counted, and the two things that are changed for it, in
instrument.py. Memory is the largest sum of PSS over all processes of a contestant.

In the workload ``pictures`` both contestants get the same responses, and the largest difference over the steps of loss,
KL, gradient norm, entropy and mean reward is shown. "Pictures processed" counts a picture as often as an image
processor was given it; a step has 8 different ones. "Idle" is the time from the last response in TransferQueue to the
trainer that has the batch.

Predicted before the first run with veRL (2 cores), from what veRL's code does and from its workers' processor time
without Ray: ``pictures``: plain 200 processed, 3.1 GB through TransferQueue and 30 s a step; ours as it was then 16,
2.5 GB and 20 s. ``lengths``, 0.6M: plain 7 s, all threads 6 s, ours 4.5 s; 10M: plain 29 s, all threads 21 s, ours
20 s, TRL 17 s.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from contestants import CONTESTANTS, CORES, Setting
from models import SHAPES, build_model
from report import print_long, print_turns, summarise
from trl_environment import trl_python
from turn import Turn, take_turn
from workload import WORKLOADS, write_rows

CHOICES = {"pictures": ("plain", "ours"), "lengths": ("hf", "trl", "plain", "threads", "ours"), "long": ("ours",)}
STEPS = {"pictures": 6, "lengths": 6, "long": 300}


def measure(options: argparse.Namespace, size: str) -> list[Turn]:
    """Let the contestants take their turns with the model of one size."""
    workload = WORKLOADS[options.workload]
    folder = options.folder.resolve() / options.workload / size
    rows, model = folder / "rows.parquet", folder / "model"
    build_model(model, size)
    write_rows(rows, workload, workload.prompts * options.steps)
    python = trl_python(options.env) if "trl" in options.contestants else Path(sys.executable)
    setting = Setting(folder, rows, model, workload, options.steps, python)
    turns = []
    for number in range(1, options.rounds + 1):
        for name in options.contestants if number % 2 else reversed(options.contestants):
            turns.append(take_turn(CONTESTANTS[name], setting, number, options.sample_every))
    return turns


def main() -> None:
    """Measure and print."""
    options = _arguments()
    results = {}
    for size in options.sizes:
        turns = measure(options, size)
        summary = summarise(turns, WORKLOADS[options.workload].seeded)
        results[size] = {"summary": summary, "turns": [asdict(turn) for turn in turns]}
        if not options.json:
            print_turns(f"{options.workload}, {size} parameters", turns, summary)
            if options.workload == "long":
                print_long(turns)
    if options.json:
        machine = {"cores": CORES, "load": os.getloadavg()}
        print(json.dumps({"workload": options.workload, "machine": machine, "sizes": results}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("folder", type=Path, metavar="DIR", help="of models, rows, logs and results")
    contestants = parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, metavar="NAME")
    contestants.help = f"of {', '.join(CONTESTANTS)}; default: those of the workload"
    parser.add_argument("--sizes", nargs="+", choices=SHAPES, default=["0.6M"], help="parameters of the model")
    parser.add_argument("--steps", type=int, help="of a turn, the first included")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each contestant")
    parser.add_argument("--sample-every", type=float, default=1.0, help="seconds between looks at memory")
    parser.add_argument("--env", type=Path, help="environment of TRL, made if missing")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    options = parser.parse_args()
    options.contestants = options.contestants or CHOICES[options.workload]
    options.steps = options.steps or STEPS[options.workload]
    options.env = options.env or options.folder / "trl"
    return options


if __name__ == "__main__":
    main()
