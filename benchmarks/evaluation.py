# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How long evaluation takes, beside pycocotools: both in one process, taking turns, on the same files.

    python benchmarks/evaluation.py [--images 5000] [--responses 25000] [--rounds 3] [--json]

A set of COCO val2017's size is drawn (5000 pictures, 80 classes, about 36000 truths, 1 % of them crowds, and 50000
predictions with confidences of two decimals) and written as JSON. A turn is all that lies between the two files and
the AP of every class. Intervals, which pycocotools does not have, are timed by themselves. Seconds are processor time,
of one core for each evaluator, so that a busy machine does not decide; the best turn counts. Demanded: scoring at least
4 times as fast as pycocotools, with the same AP and the same twelve figures to 1e-9; 25000 responses parsed in 2 s.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from rich.console import Console
from rich.table import Table

from verl_visual_rft.evaluation.bootstrap import RESAMPLES, resample_counts
from verl_visual_rft.tasks.detection import parse_detection
from verl_visual_rft.tasks.detection.metrics.average_precision import coco_average_precision
from verl_visual_rft.tasks.detection.metrics.matching import match_boxes
from verl_visual_rft.tasks.detection.metrics.resampling import resampled_ap

LEAST_SPEEDUP = 4
MOST_PARSING_SECONDS_PER_RESPONSE = 2 / 25_000
CLASSES = 80
TRUTHS_PER_PICTURE, PREDICTIONS_PER_PICTURE = 7.2, 10.0
WIDTH, HEIGHT = 640, 480


class Measured(NamedTuple):
    """Processor seconds of the best turn, and AP of each class and the twelve figures, in shares (-1 without truth)."""

    seconds: float
    values: np.ndarray


def main() -> int:
    """Measure, print, and return 1 if a demand is not met."""
    arguments = _arguments()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        truth, results = Path(folder) / "truth.json", Path(folder) / "results.json"
        n_truths, n_boxes = _write_scene(rng, arguments.images, truth, results)
        ours, theirs = _take_turns((_score, _score_with_pycocotools), truth, results, arguments.rounds)
        interval_seconds = _time_intervals(truth, results)
    difference = float(np.abs(ours.values - theirs.values).max())
    parsing = _time_parsing(_responses(rng, arguments.responses))
    figures = {
        "images": arguments.images,
        "truths": n_truths,
        "predictions": n_boxes,
        "scoring_s": ours.seconds,
        "pycocotools_s": theirs.seconds,
        "speedup": theirs.seconds / ours.seconds,
        "largest_difference": difference,
        "intervals_s": interval_seconds,
        "responses": arguments.responses,
        "parsing_s": parsing,
    }
    if arguments.json:
        print(json.dumps(figures))
    else:
        _print_table(figures)
    slow = figures["speedup"] < LEAST_SPEEDUP or parsing > MOST_PARSING_SECONDS_PER_RESPONSE * arguments.responses
    return int(slow or difference > 1e-9)


def _score(truth: Path, results: Path) -> np.ndarray:
    annotations = json.loads(truth.read_text())
    ids = [category["id"] for category in annotations["categories"]]
    evaluation = coco_average_precision(annotations, json.loads(results.read_text()), ids)
    per_class = [-1 if ap is None else ap.ap / 100 for ap in evaluation.per_class.values()]
    return np.array([*per_class, *(-1 if value is None else value / 100 for value in evaluation.figures.values())])


def _score_with_pycocotools(truth: Path, results: Path) -> np.ndarray:
    with contextlib.redirect_stdout(io.StringIO()):
        annotations = COCO(str(truth))
        evaluation = COCOeval(annotations, annotations.loadRes(str(results)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    return np.array([*precision.mean(axis=(0, 1)), *evaluation.stats])


def _take_turns(
    scorers: tuple[Callable[[Path, Path], np.ndarray], ...], truth: Path, results: Path, rounds: int
) -> list[Measured]:
    times: list[list[float]] = [[] for _ in scorers]
    values = []
    for _ in range(rounds):
        values = []
        for taken, scorer in zip(times, scorers, strict=True):
            start = time.process_time()
            values.append(scorer(truth, results))
            taken.append(time.process_time() - start)
    return [Measured(min(taken), value) for taken, value in zip(times, values, strict=True)]


def _time_intervals(truth: Path, results: Path) -> float:
    annotations, boxes = json.loads(truth.read_text()), json.loads(results.read_text())
    start = time.process_time()
    matches = match_boxes(annotations, boxes, [category["id"] for category in annotations["categories"]])
    draws = resample_counts(len(annotations["images"]))
    for match in matches.values():
        resampled_ap(match, draws)
    return time.process_time() - start


def _time_parsing(responses: list[str]) -> float:
    start = time.process_time()
    for response in responses:
        parse_detection(response)
    return time.process_time() - start


def _write_scene(rng: np.random.Generator, images: int, truth: Path, results: Path) -> tuple[int, int]:
    """Classes are as unequal as COCO's; of the predictions three in four lie near a truth."""
    popularity = 1 / np.arange(1, CLASSES + 1)
    annotations: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for image in range(1, images + 1):
        truths = []
        for category in rng.choice(CLASSES, rng.poisson(TRUTHS_PER_PICTURE), p=popularity / popularity.sum()) + 1:
            width, height = rng.uniform(8, 300, 2)
            box = [rng.uniform(0, WIDTH - width), rng.uniform(0, HEIGHT - height), width, height]
            truths.append((int(category), box))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(category),
                    "bbox": box,
                    "area": width * height * 0.6,
                    "iscrowd": int(rng.random() < 0.01),
                }
            )
        for _ in range(rng.poisson(PREDICTIONS_PER_PICTURE)):
            if truths and rng.random() < 0.75:
                category, (x, y, width, height) = truths[rng.integers(len(truths))]
                box = [
                    x + rng.normal(0, 8),
                    y + rng.normal(0, 8),
                    *(np.array([width, height]) * rng.uniform(0.8, 1.2, 2)),
                ]
            else:
                category, box = int(rng.integers(CLASSES)) + 1, [*rng.uniform(0, 300, 2), *rng.uniform(8, 180, 2)]
            score = round(float(rng.random()), 2)
            boxes.append({"image_id": image, "category_id": category, "bbox": list(map(float, box)), "score": score})
    content = {
        "info": {},
        "images": [{"id": image, "width": WIDTH, "height": HEIGHT} for image in range(1, images + 1)],
        "annotations": annotations,
        "categories": [{"id": number, "name": f"class {number}"} for number in range(1, CLASSES + 1)],
    }
    truth.write_text(json.dumps(content))
    results.write_text(json.dumps(boxes))
    return len(annotations), len(boxes)


def _responses(rng: np.random.Generator, n: int) -> list[str]:
    """Well-formed answers of one to six boxes, "No Objects", repeated lists, and answers cut off."""
    responses = []
    for _ in range(n):
        corners = np.sort(rng.integers(0, 1000, (rng.integers(1, 7), 2, 2)), axis=1).reshape(-1, 4).tolist()
        boxes = [{"Position": box, "Confidence": round(float(rng.random()), 2)} for box in corners]
        answer = "No Objects" if rng.random() < 0.3 else str(boxes)
        response = f"<think> The image shows a street. I look for all of them. </think>\n<answer>{answer}</answer>"
        responses.append(response[: -rng.integers(10, 30)] if rng.random() < 0.1 else response)
    return responses


def _print_table(figures: dict[str, Any]) -> None:
    title = "{images} pictures, {truths} truths, {predictions} predictions".format(**figures)
    table = Table("", "seconds", "ratio", title=title)
    table.add_row("scoring", f"{figures['scoring_s']:.2f}", "1.0")
    table.add_row("pycocotools", f"{figures['pycocotools_s']:.2f}", f"{figures['speedup']:.1f}")
    table.add_row(f"intervals ({RESAMPLES} resamples)", f"{figures['intervals_s']:.2f}", "")
    table.add_row(f"parsing {figures['responses']} responses", f"{figures['parsing_s']:.2f}", "")
    console = Console()
    console.print(table)
    console.print(
        f"largest difference to pycocotools, per class and of the twelve figures: {figures['largest_difference']:.1e}"
    )
    console.print(f"demanded: ratio at least {LEAST_SPEEDUP}, difference at most 1e-9, 25000 responses in 2 s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=5000, help="pictures of the synthetic set")
    parser.add_argument("--responses", type=int, default=25_000, help="responses to parse")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each evaluator; the best counts")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
