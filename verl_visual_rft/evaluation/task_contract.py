# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a task keeps its contract on the way of the data: from a JSON line to the row, and in the audit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from verl_visual_rft.coordinates import FAMILIES
from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward
from verl_visual_rft.rewards.audit import audit
from verl_visual_rft.tasks import Task, load_task
from verl_visual_rft.tasks.validate import Breach, validate

_SIZE = (320, 240)


def check_task(name: str, reward: str = "robust", seed: int = 0, size: int = 150) -> list[Breach]:
    """Return the clauses of the contract that a task does not keep; none if all is well.

    Args:
        name: Of the task.
        reward: By which it is to be trained.
        seed: Of truths that are made up, and of the policies.
        size: Questions that the cheats answer.

    Raises:
        UserError: The task, the reward or a part that the task names cannot be loaded.
    """
    task, loaded = load_task(name), load_reward(reward)
    if name not in loaded.scorers:
        return [
            Breach(
                "the reward scores it", f"reward {reward!r} has no scorer for {name}, only {', '.join(loaded.scorers)}"
            )
        ]
    highest = loaded.ranges[name][1] if name in loaded.ranges else None
    breaches = [*validate(task, loaded, highest, seed), *_rows(task)]
    if not breaches:  # else cheats are of no interest yet
        breaches += _cheats(name, reward, seed, size)
    return breaches


def _rows(task: Task[Any, Any]) -> Iterator[Breach]:
    """Take the task's own example of a JSON line to a row of each model family, with and without thinking."""
    if not task.json_keys:
        return
    from PIL import Image

    from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
    from verl_visual_rft.datasets.readers.jsonl import read_jsonl
    from verl_visual_rft.datasets.validation import validate as validate_rows

    clause = "its example of a JSON line becomes a row that can be trained on"
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        Image.new("RGB", _SIZE, "grey").save(folder / "a.jpg")
        line = f'{{"image": "a.jpg", "task": {json.dumps(task.name)}, {task.json_example}}}'
        (folder / "train.jsonl").write_text(line + "\n", encoding="utf-8")
        for family in FAMILIES:
            for think in (True, False):
                out = folder / f"{family} {think}"
                try:
                    questions = read_jsonl({"train": folder / "train.jsonl"}, "a room", "its kind").splits
                    prepare(out, questions, PrepareOptions(family=family, think=think), "example", [])
                except (UserError, ValueError, TypeError, LookupError, AttributeError) as error:
                    yield Breach(clause, f"{line} for {family}: {type(error).__name__}: {error}")
                    return
                faults = [
                    fault for name in ("train", "sft_train") for fault in validate_rows([out / f"{name}.parquet"])
                ]
                if faults:
                    fault = faults[0]
                    yield Breach(clause, f"{line} for {family}: {fault.key}: {fault.problem}")
                    return


def _cheats(name: str, reward: str, seed: int, size: int) -> Iterator[Breach]:
    (contest,) = audit(reward, [name], seed=seed, size=size).contests
    ahead = [f"{s.policy.name!r} by {s.lead:.3f} ± {s.lead_error:.3f}" for s in contest.standings if s.beats_honesty]
    if ahead:
        yield Breach("no cheat earns more than moderate honesty", ", ".join(ahead))
