# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How long the report of many pictures takes, and how large it gets.

    python benchmarks/report.py [--pictures 500]

The pictures are 640 x 480 JPEG files, noise over all scales as in photographs; three methods answer each with some
boxes and 300 words. Making them is not measured.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.report import build_report
from verl_visual_rft.evaluation.report.summary import summarise
from verl_visual_rft.evaluation.tables import read_measurements
from verl_visual_rft.evaluation.training_log import TrainingLog

WIDTH, HEIGHT = SIZE = (640, 480)
WORDS = "the picture shows a table in front of a window and several objects on it of which one may be meant".split()
FIGURES = ("map_novel", "map_base", "map_all", "reward", "mean_iou_present", "format_rate")


@dataclass(frozen=True)
class Result:
    """What was measured."""

    seconds: float
    size: int
    picture_bytes: float


def measure(folder: Path, pictures: int) -> Result:
    """Write a run of ``pictures`` questions into ``folder`` and build its report."""
    draws = np.random.default_rng(0)
    encoded = [_photograph(draws) for _ in range(pictures)]
    _write_run(folder, encoded, draws)
    measurements = read_measurements([folder])
    log = TrainingLog({step: {"reward/score/mean": step / 100} for step in range(100)}, 0)
    summary = summarise(measurements, log, seed=0, seconds={})
    begin = time.perf_counter()
    result = build_report(
        folder / "report.html",
        summary=summary,
        measurements=measurements,
        data=folder / "data" / "val.parquet",
        reward="robust",
        log=log,
        pictures=pictures,
    )
    return Result(time.perf_counter() - begin, result.size, sum(map(len, encoded)) / pictures)


def _photograph(draws: np.random.Generator) -> bytes:
    """Noise whose amplitude falls with its frequency, as that of photographs does."""
    spectrum = np.fft.fft2(draws.normal(size=(HEIGHT, WIDTH, 3)), axes=(0, 1))
    frequency = np.hypot(np.fft.fftfreq(HEIGHT)[:, None], np.fft.fftfreq(WIDTH)[None, :])
    frequency[0, 0] = 1
    pixels = np.fft.ifft2(spectrum / frequency[..., None], axes=(0, 1)).real
    pixels = 128 + 50 * (pixels - pixels.mean()) / pixels.std()
    picture = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(picture, "JPEG", quality=90)
    return picture.getvalue()


def _write_run(folder: Path, pictures: list[bytes], draws: np.random.Generator) -> None:
    (folder / "data").mkdir(parents=True)
    rows = [{"images": [{"bytes": data}], "extra_info": {"index": index}} for index, data in enumerate(pictures)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "val.parquet", row_group_size=64)
    truths = [json.dumps({"boxes": _boxes(draws, 2)}) for _ in pictures]
    metrics = dict.fromkeys(FIGURES, 0.5) | {"task": "detection", "n": len(pictures), "outcomes": {}, "cut_answers": 0}
    for method in ("base", "sft", "rft"):
        (folder / "eval" / method).mkdir(parents=True)
        (folder / "eval" / method / "metrics.json").write_text(json.dumps(metrics))
        lines = [_answer(index, truth, draws).to_line() for index, truth in enumerate(truths)]
        (folder / "eval" / method / "predictions.jsonl").write_text("".join(lines))


def _answer(index: int, truth: str, draws: np.random.Generator) -> Prediction:
    listed = [{"Position": box, "Confidence": 0.5} for box in _boxes(draws, 3)]
    return Prediction(
        index=index,
        image_id=str(index),
        category="cat",
        category_id=1,
        width=WIDTH,
        height=HEIGHT,
        ground_truth=truth,
        response=f"<think> {' '.join(draws.choice(WORDS, 300))} </think> <answer>{listed}</answer>",
        response_tokens=400,
        finish_reason="stop",
    )


def _boxes(draws: np.random.Generator, count: int) -> list[list[int]]:
    corners = draws.integers(0, 500, size=(count, 2))
    return np.hstack([corners, corners + draws.integers(50, 500, size=(count, 2))]).tolist()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=500)
    pictures = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), pictures)
    print(
        f"{pictures} pictures of {result.picture_bytes / 1e3:.0f} kB, 3 answers each: report of "
        f"{result.size / 1e6:.1f} MB in {result.seconds:.1f} s"
    )


if __name__ == "__main__":
    main()
