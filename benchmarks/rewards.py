# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How long a reward takes, beside what one might use instead: all in one process, taking turns.

    python benchmarks/rewards.py [real_responses.json] [--json]

Times are medians over the detection responses of the file (a list of ``{"task", "response", "solution"}``; a small
built-in set without it). The alternatives take turns on a response, so that a busy machine slows all alike; each turn
begins with a call that is not measured, lest one pays for the processor caches that another has emptied. Of the turns
on a response the median and the best are taken: on a busy machine the best is what the code takes, the rest is
waiting, and the demand is held against it. A ground truth is JSON text, as the row of a training has it; its parse is
cached by `score`, as it is for the rollouts of a group. Responses without a solution are scored against two boxes.

Predicted before the first run (2 shared cores, Python 3.11): `paper` 15 us, `robust` 18 us; `reference`, whose
math-verify tries to parse the answer as a formula first, 3 ms or 200 times `paper`; an evaluation of one image by
pycocotools, index included, 1 ms or 70 times `paper`; the worst junk 6 ms.

Changed after the first run, on a machine with seven times more work than cores, in which `paper` took 67 us as the one
whose turn follows pycocotools, `robust` after it 40 us, and junk 11 ms: the call that is not measured, the best beside
the median, and processor time for junk.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from verl_visual_rft.answers import EXTENT
from verl_visual_rft.errors import UserError
from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.rewards.registry import component_names
from verl_visual_rft.tasks import load_task, read_truth
from verl_visual_rft.tasks.detection import parse_detection

COMPONENTS = sorted(component_names())

LIMIT_US = 25  # of `paper` and of `robust`
JUNK_LIMIT_MS = 10
JUNK_BYTES = 64 * 1024
LONG_BYTES, LONG_LIMIT_MS = (
    1 << 20,
    200,
)  # sixteen times as much in less than twenty times the limit: linear, and caches
TWO_BOXES = '{"boxes": [[100, 100, 300, 300], [500, 500, 700, 700]]}'
TRUTHS = {
    "detection": TWO_BOXES,
    "classification": '{"label": "rose"}',
    "grounding": '{"box": [100, 100, 300, 300]}',
    "counting": '{"count": 2}',
    "pointing": '{"targets": [{"box": [100, 100, 300, 300]}, {"box": [500, 500, 700, 700]}]}',
    "labelled_detection": '{"categories": ["rose"], "objects": [{"bbox_2d": [100, 100, 300, 300], "label": "rose"}]}',
}

BUILT_IN = [
    "<think> one on the left </think> <answer>[{'Position': [100, 110, 300, 290], 'Confidence': 0.9}]</answer>",
    "<think> two </think>\n<answer>[{'Position': [90, 100, 310, 300], 'Confidence': 0.85}, "
    "{'Position': [500, 520, 690, 700], 'Confidence': 0.40}]</answer>",
    "<think> nothing of the kind </think> <answer>No Objects</answer>",
    "<think> cut off </think> <answer>[{'Position': [100, 110, 300, 290], 'Confidence': 0.9}, {'Position': [1,",
    "I see one object in the picture.",
]

JUNK = {
    "one letter": "a",
    "spaces": " ",
    "opened answers": "<answer>",
    "closed answers": "</answer>",
    "nested thinking": "<think></think>",
    "brackets": "[",
    "braces": "{",
    "keys without values": "{'Position': ",
    "boxes": "{'Position': [1, 2, 3, 4], 'Confidence': 0.5}, ",
    "bad boxes": "{'Position': [9, 9, 1, 1], 'Confidence': 7}, ",
    "pairs": "(1,2),(3,4) ",
    "digits": "1234567890",
    "quotes": "'\"",
    "no objects": "No Objects ",
    "words": "rose, tulip and daisy ",
    "not ASCII": "不是！",
}


class Timing(NamedTuple):
    """Medians over the responses, in microseconds: of the median and of the best turn."""

    median: float
    best: float


class Junk(NamedTuple):
    """How long a parser or reward takes at worst, and on what: on 64 KiB and on 1 MiB."""

    ms: float
    on: str
    long_ms: float
    long_on: str


class Case(NamedTuple):
    """A response and its ground truth as JSON text."""

    response: str
    ground_truth: str


def main() -> int:
    """Measure, print, and return 1 if a limit is broken."""
    arguments = _arguments()
    cases = _read_cases(arguments.responses)
    alternatives, skipped = _alternatives()
    timings = measure(cases, alternatives, arguments.rounds)
    junk = {} if arguments.no_junk else {name: _worst_junk(calls) for name, calls in _readers().items()}
    if arguments.json:
        microseconds = {name: timing._asdict() for name, timing in timings.items()}
        worst = {name: taken._asdict() for name, taken in junk.items()}
        print(json.dumps({"responses": len(cases), "us": microseconds, "skipped": skipped, "worst_junk": worst}))
    else:
        _print_tables(len(cases), timings, skipped, junk)
    too_slow = any(timings[name].best > LIMIT_US for name in ("paper", "robust"))
    too_slow |= any(taken.ms >= JUNK_LIMIT_MS or taken.long_ms >= LONG_LIMIT_MS for taken in junk.values())
    return int(too_slow)


def measure(cases: list[Case], alternatives: dict[str, Callable[[Case], object]], rounds: int) -> dict[str, Timing]:
    """Let the alternatives take turns on every case."""
    medians: dict[str, list[float]] = {name: [] for name in alternatives}
    bests: dict[str, list[float]] = {name: [] for name in alternatives}
    gc.disable()
    for case in cases:
        times: dict[str, list[float]] = {name: [] for name in alternatives}
        for _ in range(rounds):
            for name, call in alternatives.items():
                times[name].append(_time(call, case))
        for name, seconds in times.items():
            medians[name].append(statistics.median(seconds))
            bests[name].append(min(seconds))
    gc.enable()
    return {
        name: Timing(1e6 * statistics.median(medians[name]), 1e6 * statistics.median(bests[name]))
        for name in alternatives
    }


def _time(call: Callable[[Case], object], case: Case) -> float:
    call(case)
    start = time.perf_counter()
    call(case)
    return time.perf_counter() - start


def _alternatives() -> tuple[dict[str, Callable[[Case], object]], dict[str, str]]:
    """Return what is measured, and what cannot be with the reason."""
    alternatives: dict[str, Callable[[Case], object]] = {}
    skipped: dict[str, str] = {}
    for name in ("paper", "robust", "reference"):
        try:
            load_reward(name)
        except UserError as error:
            if name != "reference":
                raise
            skipped[name] = str(error)
            continue
        alternatives[name] = lambda case, name=name: score("detection", case.response, case.ground_truth, name)
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        skipped["pycocotools"] = f"{error}: pip install pycocotools"
    else:
        alternatives["pycocotools"] = lambda case: _evaluate(case, COCO, COCOeval)
    return alternatives, skipped


def _evaluate(case: Case, coco: type, coco_eval: type) -> object:
    """Evaluate one response as the only image of a data set; pycocotools reports on the standard output."""
    answer, truth = parse_detection(case.response), read_truth("detection", case.ground_truth)
    with contextlib.redirect_stdout(io.StringIO()):
        truths = coco()
        truths.dataset = {
            "info": {},
            "images": [{"id": 1, "width": 1000, "height": 1000}],
            "categories": [{"id": 1}],
            "annotations": [
                {"id": 1 + index, "image_id": 1, "category_id": 1, "bbox": xywh(box), "area": area(box), "iscrowd": 0}
                for index, box in enumerate(truth.boxes)
            ],
        }
        truths.createIndex()
        if not answer.detections:
            return 0.0
        found = truths.loadRes(
            [
                {"image_id": 1, "category_id": 1, "bbox": xywh(box), "score": 0.0 if sure is None else sure}
                for box, sure in answer.detections
            ]
        )
        evaluation = coco_eval(truths, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats[0]


def xywh(box: tuple[float, float, float, float]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def area(box: tuple[float, float, float, float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _readers() -> dict[str, dict[str, Callable[[str], object]]]:
    """Return by name what reads a response, for each task: parsers, named rewards, components."""
    readers: dict[str, dict[str, Callable[[str], object]]] = {
        "parsers": {name: partial(load_task(name).parse, extent=EXTENT, think=True) for name in TRUTHS}
    }
    for name, composition in {
        **{name: name for name in ("paper", "robust", "robust-1")},
        **{name: f"{name}=1" for name in COMPONENTS},
    }.items():
        reward = load_reward(composition)
        readers[name] = {
            task: lambda response, task=task, reward=reward: score(task, response, TRUTHS[task], reward)
            for task in reward.scorers
            if task in TRUTHS  # not of other packages
        }
    return readers


def _worst_junk(calls: dict[str, Callable[[str], object]]) -> Junk:
    """Processor time, the best of a few on each: milliseconds are long enough for a busy machine to interrupt them."""
    worst = Junk(0.0, "", 0.0, "")
    for kind, unit in JUNK.items():
        for where in ("bare", "answered"):
            for task, call in calls.items():
                on = f"{kind}, {where}, {task}"
                short = _best(call, _filled(unit, where, JUNK_BYTES), 5)
                long = _best(call, _filled(unit, where, LONG_BYTES), 2)
                worst = max(worst, worst._replace(ms=short, on=on), key=lambda taken: taken.ms)
                worst = max(worst, worst._replace(long_ms=long, long_on=on), key=lambda taken: taken.long_ms)
    return worst


def _filled(unit: str, where: str, size: int) -> str:
    bare = unit * (size // len(unit.encode()))
    return bare if where == "bare" else f"<think> a </think> <answer>{bare}</answer>"


def _best(call: Callable[[str], object], response: str, turns: int) -> float:
    times = []
    for _ in range(turns):
        start = time.thread_time()
        call(response)
        times.append(time.thread_time() - start)
    return 1e3 * min(times)


def _read_cases(path: Path | None) -> list[Case]:
    if path is None:
        return [Case(response, TWO_BOXES) for response in BUILT_IN]
    cases = []
    for entry in json.loads(path.read_text(encoding="utf-8")):
        if entry["task"] != "detection":
            continue
        ground_truth = TWO_BOXES
        if "solution" in entry:
            truth = read_truth("detection", entry["solution"])
            ground_truth = json.dumps({"boxes": truth.boxes})
        cases.append(Case(entry["response"], ground_truth))
    return cases


def _print_tables(n: int, timings: dict[str, Timing], skipped: dict[str, str], junk: dict[str, Junk]) -> None:
    console = Console(markup=False)
    paper = timings["paper"]
    table = Table("alternative", "median, us", "ratio", "best, us", "ratio", title=f"one of {n} detection responses")
    for name, (median, best) in timings.items():
        table.add_row(name, f"{median:.1f}", f"{median / paper.median:.1f}", f"{best:.1f}", f"{best / paper.best:.1f}")
    console.print(table)
    for name, reason in skipped.items():
        console.print(f"skipped: {name}: {reason}")
    title = f"{len(JUNK)} kinds of junk, all tasks"
    table = Table("parser, reward", "64 KiB, ms", "on", "1 MiB, ms", "on", title=title)
    for name, (short, on, long, long_on) in junk.items():
        table.add_row(name, f"{short:.2f}", on, f"{long:.1f}", long_on)
    if junk:
        console.print(table)
    console.print(f"demanded: paper and robust at most {LIMIT_US} us (best)")
    console.print(f"demanded of junk: 64 KiB below {JUNK_LIMIT_MS} ms, 1 MiB below {LONG_LIMIT_MS} ms")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("responses", type=Path, nargs="?", help="JSON list of responses; a small built-in set without")
    parser.add_argument("--rounds", type=int, default=15, help="turns of every alternative on a response")
    parser.add_argument("--no-junk", action="store_true", help="leave out the junk, which takes a minute")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
