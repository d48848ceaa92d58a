# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A fault campaign on a real run on the CPU.

    python tests/e2e/faults/campaign.py --kills 30 --seed 0 --out outputs/faults

The same seed draws the same parts and moments; what a moment meets depends on the machine. Every result is in
OUT/results.json at once: the same command goes on where it was stopped, and repeats what was not as it should be.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "support")]  # as pytest's

from faults.cases import CASES, Case  # noqa: E402
from faults.kills import Kill, Outcome, carry_out, plan, start_again  # noqa: E402
from faults.supervised import CampaignError, Run, training  # noqa: E402
from faults.table import page  # noqa: E402
from pipeline import NOVEL, run  # noqa: E402

from verl_visual_rft.atomic import write_json, write_text  # noqa: E402
from verl_visual_rft.launching.launch import end_processes_of  # noqa: E402

#: Names of results, and what brings them.
Work = tuple[tuple[str, ...], Callable[[], Iterable[Outcome | Case]]]


class Results:
    """What has been done so far, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}

    def is_good(self, name: str) -> bool:
        return name in self._found and not self._found[name]["wrong"]

    def add(self, name: str, result: Outcome | Case) -> None:
        self._found[name] = asdict(result)
        write_json(self._path, self._found)

    def kills(self) -> list[Outcome]:
        found = [result for _, result in sorted(self._found.items()) if "kill" in result]
        return [Outcome(**{**result, "kill": Kill(**result["kill"])}) for result in found]

    def cases(self) -> list[Case]:
        return [Case(**result) for result in self._found.values() if "kill" not in result]


def main() -> int:
    """Do what is left of the campaign; exit status 1 where something was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30, help="kill -9 of parts of a run (default 30)")
    parser.add_argument("--seed", type=int, default=0, help="draws parts and moments (default 0)")
    parser.add_argument("--no-cases", action="store_true", help="leave out the faults that are no kills")
    parser.add_argument("--out", type=Path, default=Path("outputs/faults"), help="another one for another seed")
    args = parser.parse_args()
    out = args.out.resolve()
    data, results = make_data(out), Results(out / "results.json")
    victim = Run(out / "killed", training(out / "killed", data))
    work = [*_kills(victim, plan(args.kills, args.seed)), (("a start after the last kill",), lambda: [_start(victim)])]
    if not args.no_cases:
        work += [_case(names, do, out, data) for names, do in CASES]
    work = [(names, do) for names, do in work if not all(map(results.is_good, names))]
    began = time.monotonic()
    try:
        for number, (names, do) in enumerate(work, start=1):
            for result, name in zip(do(), names, strict=False):  # one that went wrong is the last
                results.add(name, result)
                _say(name, result, number, len(work), time.monotonic() - began)
    finally:
        victim.end()
    outcomes, cases = results.kills(), results.cases()
    write_text(out / "faults.md", page(outcomes, cases))
    wrong = sum(bool(result.wrong) for result in (*outcomes, *cases))
    print(f"{len(outcomes)} kills, {len(cases)} other faults, {wrong} not as they should be: {out / 'faults.md'}")
    return 1 if wrong else 0


def make_data(folder: Path) -> Path:
    """Draw pictures and prepare sixteen questions about them; again the same where they are there."""
    run(sys.executable, "data_prep/shapes.py", "--out", str(folder / "raw"), "--train", "24", "--val", "12")
    run(
        *[sys.executable, "data_prep/coco.py", "--root", str(folder / "raw"), "--out", str(folder / "data")],
        *["--novel-categories", NOVEL, "--rows", "16", "--negatives", "0.25", "--val-negatives", "0.3"],
    )
    return folder / "data"


def _kills(victim: Run, kills: list[Kill]) -> Iterator[Work]:
    for number, kill in enumerate(kills, start=1):
        name = f"{number:02d} {kill.part}, {kill.moment}, {kill.share:.3f}"
        yield (name,), lambda kill=kill: [carry_out(victim, kill)]


def _start(victim: Run) -> Case:
    """Every start before it has shown that the run goes on after the kill before."""
    name = "a start after the last kill"
    victim.end()
    try:
        start_again(victim)
        return Case(name, None, "", victim.steps()[0])
    except CampaignError as error:
        return Case(name, None, victim.said(), None, str(error))
    finally:
        victim.end()


def _case(names: tuple[str, ...], do: Callable[[Path, Path], Iterator[Case]], out: Path, data: Path) -> Work:
    folder = out / "cases" / names[0].replace(" ", "_")

    def cases() -> Iterator[Case]:
        shutil.rmtree(folder, ignore_errors=True)  # of a campaign that was stopped within it
        folder.mkdir(parents=True)
        done = 0
        try:
            for case in do(folder, data):
                yield case
                done += 1
        except CampaignError as error:
            yield Case(names[done], None, "", None, str(error))
        finally:
            end_processes_of(folder / "run")

    return names, cases


def _say(name: str, result: Outcome | Case, number: int, of: int, spent: float) -> None:
    seconds = "" if result.seconds is None else f", {result.seconds:.0f} s"
    left = f"about {spent / number * (of - number) / 60:.0f} min left" if number < of else f"{spent / 60:.0f} min"
    print(f"[{number}/{of}, {left}] {name}: {result.wrong or 'as it should be'}{seconds}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
