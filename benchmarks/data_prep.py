# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How fast rows are prepared and how large they are, beside the published way: taking turns, in one run.

    python benchmarks/data_prep.py [--rows 6000] [--workers N] [--photos DIR] [--json]

Three ways take turns on the same pictures, each turn in a process of its own:

- ours: `prepare`, which decodes each picture to its end to be sure of it, and stores its bytes; with one process and
  with several. Without the SFT file, which the published data do not have either.
- published: decode, convert to RGBA, and a `datasets` Dataset of columns image, problem, solution that encodes PNG and
  is saved to disk (the notebook of the published repository). One process, as there. On a part of the rows, because
  it is slow; rows/s are those of the part, bytes are extrapolated in proportion.
- copy: the files' bytes to new files, nothing else. The upper limit.

Pictures are synthetic: 50 noisy 640x480 JPEGs of the size of COCO's (163 kB on average), each written under many names
with a different comment inside, so that no two files are equal and no way gains by storing one only once. How much
larger a PNG is depends on how photographs look; spectrum, noise and quality were chosen so that it is as for eight real
COCO photographs (3.9 times the JPEG). --photos takes a folder of real ones instead.

Each turn begins with a few rows that are not measured, which pays for imports. Everything was just written and is in
the page cache; nothing waits for the disk to be written either (no fsync). The processor time of a row, children
included, is what it costs when other work shares the machine. Peak memory is the sum over a way's process and its
children of what no other process shares, sampled every 0.1 s.

Predicted before the first run (2 shared cores, Python 3.11), knowing that encoding a PNG takes 80 ms: published 10
rows/s; ours 300 rows/s in one process (decoding at an eighth of the size 2 ms, hashing and writing 1 ms), 500 in two;
copy 3000 rows/s. So ours is 30 to 50 times the published way and a sixth of a plain copy. Bytes: ours 167 kB a row, a
quarter of the published 660 kB. Peak memory of ours 300 MB, with two processes 450 MB.

Changed after the first run, of 300 rows on a machine with more work than cores, in which the imports of `datasets` took
longer than the 40 rows of the published way: the rows that are not measured, and processor time beside rows/s.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil
from PIL import Image
from rich.console import Console
from rich.table import Table

MIN_SPEEDUP = 10
MAX_BYTES_SHARE = 1 / 3
PHOTOGRAPHS = 50
WARM_UP = 8
SIZE = (640, 480)
BOX = (64.0, 48.0, 320.0, 240.0)
CATEGORY = "dog"


class Turn(NamedTuple):
    """One turn of one way."""

    rows: int
    seconds: float
    cpu_seconds: float
    bytes: int
    peak_mb: float


Way = Callable[[list[Path], Path], None]


def main() -> int:
    """Measure, print, and return 1 if a demand is not met."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="data_prep_", dir=arguments.scratch) as name:
        scratch = Path(name)
        files = write_pictures(scratch / "pictures", arguments.rows, arguments.photos)
        part = files[: min(arguments.published_rows, len(files))]
        ways: dict[str, tuple[Way, list[Path]]] = {
            "ours, 1 process": (partial(ours, workers=1), files),
            f"ours, {arguments.workers} processes": (partial(ours, workers=arguments.workers), files),
            "published": (published, part),
            "copy": (copy, files),
        }
        turns: dict[str, list[Turn]] = {way: [] for way in ways}
        for _ in range(arguments.rounds):
            for way, (function, given) in ways.items():
                turns[way].append(take_turn(function, given, scratch / "out"))
        source_bytes = sum(path.stat().st_size for path in files)
    figures = {way: summarise(taken, len(files)) for way, taken in turns.items()}
    ours_best, published_figures = figures[f"ours, {arguments.workers} processes"], figures["published"]
    speedup = ours_best["rows_per_s"] / published_figures["rows_per_s"]
    share = ours_best["bytes"] / published_figures["bytes"]
    if arguments.json:
        measured = {"rows": len(files), "source_bytes": source_bytes, "ways": figures}
        print(json.dumps({**measured, "speedup": speedup, "bytes_share": share}, indent=1))
    else:
        _print_table(figures, len(files), len(part), source_bytes, arguments.rounds)
        print(
            f"{speedup:.1f} times the published way's rows/s (demanded: {MIN_SPEEDUP}), "
            f"{share:.3f} of its bytes (demanded: at most {MAX_BYTES_SHARE:.3f})"
        )
    return int(speedup < MIN_SPEEDUP or share > MAX_BYTES_SHARE)


def ours(files: list[Path], out: Path, workers: int) -> None:
    """Prepare the pictures as detection rows."""
    from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
    from verl_visual_rft.tasks.detection.question import DetectionQuestion
    from verl_visual_rft.tasks.question import Picture

    questions = [DetectionQuestion(Picture(path.name, path, path.name), CATEGORY, 1, (BOX,)) for path in files]
    prepare(out, {"train": questions}, PrepareOptions(workers=workers, sft=False), "benchmark", sources=())


def published(files: list[Path], out: Path) -> None:
    """Build the data set as the published notebook does."""
    import datasets

    from verl_visual_rft.coordinates import to_thousandths
    from verl_visual_rft.tasks.detection import DetectionTruth
    from verl_visual_rft.tasks.detection.prompt import detection_prompt

    def rows():
        for path in files:
            with Image.open(path) as image:
                solution = DetectionTruth((to_thousandths(BOX, image.size),)).solution
                yield {"image": image.convert("RGBA"), "problem": detection_prompt(CATEGORY), "solution": solution}

    features = datasets.Features(
        {"image": datasets.Image(), "problem": datasets.Value("string"), "solution": datasets.Value("string")}
    )
    datasets.disable_progress_bars()
    # The cache holds the rows a second time; what counts is what is saved.
    with tempfile.TemporaryDirectory(dir=out.parent) as cache:
        train = datasets.Dataset.from_generator(rows, features=features, cache_dir=cache)
        datasets.DatasetDict({"train": train}).save_to_disk(out)


def copy(files: list[Path], out: Path) -> None:
    """Copy the files' bytes."""
    out.mkdir()
    for path in files:
        (out / path.name).write_bytes(path.read_bytes())


def take_turn(way: Way, files: list[Path], out: Path) -> Turn:
    """Run a way in a new process and measure it from outside and inside."""
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawned) as pool:
        process = psutil.Process(pool.submit(os.getpid).result())
        pool.submit(way, files[:WARM_UP], out).result()
        shutil.rmtree(out)
        done = threading.Event()
        peak = [0.0]
        sampler = threading.Thread(target=_sample, args=(process, done, peak))
        sampler.start()
        seconds, cpu_seconds = pool.submit(_timed, way, files, out).result()
        done.set()
        sampler.join()
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    shutil.rmtree(out)
    return Turn(len(files), seconds, cpu_seconds, size, peak[0])


def summarise(turns: list[Turn], rows: int) -> dict[str, float]:
    """Return rows/s (median and best turn), processor time (best turn), bytes for all rows, and the highest peak."""
    rates = [turn.rows / turn.seconds for turn in turns]
    return {
        "measured_rows": turns[0].rows,
        "rows_per_s": statistics.median(rates),
        "best_rows_per_s": max(rates),
        "cpu_ms_per_row": min(1e3 * turn.cpu_seconds / turn.rows for turn in turns),
        "bytes": turns[0].bytes / turns[0].rows * rows,
        "peak_mb": max(turn.peak_mb for turn in turns),
    }


def write_pictures(folder: Path, count: int, photos: Path | None) -> list[Path]:
    """Write ``count`` different JPEG files that show about `PHOTOGRAPHS` pictures, or the given ones, in turn."""
    if photos is None:
        originals = [synthetic_photograph(seed) for seed in range(min(PHOTOGRAPHS, count))]
    else:
        originals = [path.read_bytes() for path in sorted(photos.glob("*.jpg"))]
        if not originals:
            sys.exit(f"data_prep.py: error: no *.jpg in {photos}")
    folder.mkdir()
    files = []
    for number in range(count):
        path = folder / f"{number:012}.jpg"
        path.write_bytes(with_comment(originals[number % len(originals)], f"copy {number}"))
        files.append(path)
    return files


def synthetic_photograph(seed: int) -> bytes:
    """A JPEG with the statistics of a photograph: a 1/f spectrum, correlated colours, and the sensor's noise."""
    import numpy as np

    random = np.random.default_rng(seed)
    width, height = SIZE
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1
    layers = []
    for _ in range(4):
        spectrum = random.normal(size=frequency.shape) + 1j * random.normal(size=frequency.shape)
        layer = np.fft.irfft2(spectrum / frequency**1.4, s=(height, width))
        layers.append((layer - layer.mean()) / layer.std())
    light, *tints = layers
    colours = np.stack([128 + 52 * light + 14 * tint for tint in tints], axis=-1)
    noisy = colours + random.normal(scale=2.0, size=(height, width, 1))
    data = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype("uint8")).save(data, format="JPEG", quality=95)
    return data.getvalue()


def with_comment(jpeg: bytes, comment: str) -> bytes:
    """Put a comment segment behind the JPEG's first marker: other bytes, the same picture."""
    text = comment.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]


def _timed(way: Way, files: list[Path], out: Path) -> tuple[float, float]:
    started, cpu_started = time.perf_counter(), _cpu_seconds()
    way(files, out)
    return time.perf_counter() - started, _cpu_seconds() - cpu_started


def _cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _sample(process: psutil.Process, done: threading.Event, peak: list[float]) -> None:
    while not done.wait(0.1):
        total = 0.0
        try:
            for member in (process, *process.children(recursive=True)):
                total += member.memory_full_info().uss / 1e6
        except psutil.NoSuchProcess:
            continue
        peak[0] = max(peak[0], total)


def _print_table(figures: dict[str, dict[str, float]], rows: int, part: int, source_bytes: int, rounds: int) -> None:
    copied = figures["copy"]["rows_per_s"]
    slow = figures["published"]["rows_per_s"]
    title = f"{rows} rows, {source_bytes / rows / 1000:.0f} kB a picture, {rounds} rounds"
    columns = ("way", "rows/s", "best", "times", "of copy", "CPU ms", "kB/row", "peak MB")
    table = Table(*columns, title=title, caption=f"published: measured on {part} rows, bytes extrapolated")
    for way, figure in figures.items():
        rate = figure["rows_per_s"]
        table.add_row(
            way,
            f"{rate:.1f}",
            f"{figure['best_rows_per_s']:.1f}",
            f"{rate / slow:.1f}",
            f"{rate / copied:.3f}",
            f"{figure['cpu_ms_per_row']:.1f}",
            f"{figure['bytes'] / rows / 1000:.0f}",
            f"{figure['peak_mb']:.0f}",
        )
    Console(markup=False).print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=6000, help="rows (default: 6000, the paper's open vocabulary)")
    parser.add_argument("--published-rows", type=int, default=300, help="rows the published way is measured on")
    parser.add_argument("--workers", type=int, default=min(8, os.cpu_count() or 1), help="processes of ours")
    parser.add_argument("--rounds", type=int, default=3, help="turns of every way")
    parser.add_argument("--photos", type=Path, help="folder of JPEGs to use instead of synthetic ones")
    parser.add_argument("--scratch", type=Path, help="folder for the pictures and outputs: 3 MB for every ten rows")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
