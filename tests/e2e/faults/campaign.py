# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A fault campaign on a real run on the CPU; what it did is written down as it goes on.

    python tests/e2e/faults/campaign.py --kills 30 --seed 0 --out outputs/faults

The same seed draws the same parts and moments; what a moment meets depends on the machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "support")]  # as pytest's

from faults.cases import cases  # noqa: E402
from faults.kills import campaign, plan  # noqa: E402
from faults.supervised import Run, training  # noqa: E402
from faults.table import page  # noqa: E402
from pipeline import NOVEL, run  # noqa: E402


def main() -> int:
    """Do the campaign; exit status 1 where something was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30, help="kill -9 of parts of a run (default 30)")
    parser.add_argument("--seed", type=int, default=0, help="draws parts and moments (default 0)")
    parser.add_argument("--no-cases", action="store_true", help="leave out the faults that are no kills")
    parser.add_argument("--out", type=Path, default=Path("outputs/faults"), help="emptied first")
    args = parser.parse_args()
    out = args.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    data = make_data(out)
    outcomes, others, begin = [], [], time.monotonic()
    victim = Run(out / "killed", training(out / "killed", data))
    try:
        for outcome in campaign(victim, plan(args.kills, args.seed)):
            outcomes.append(outcome)
            _note(
                out, outcome, f"{len(outcomes)}/{args.kills} {outcome.kill.part}, {outcome.kill.moment}", outcome.wrong
            )
    finally:
        victim.end()
    for case in () if args.no_cases else cases(out, data):
        others.append(case)
        _note(out, case, case.fault, case.wrong)
    (out / "faults.md").write_text(page(outcomes, others), encoding="utf-8")
    wrong = sum(bool(result.wrong) for result in (*outcomes, *others))
    print(
        f"{len(outcomes)} kills, {len(others)} other faults, {wrong} not as they should be, "
        f"{(time.monotonic() - begin) / 60:.0f} minutes: {out / 'faults.md'}"
    )
    return 1 if wrong else 0


def make_data(folder: Path) -> Path:
    """Draw pictures and prepare sixteen questions about them."""
    run(sys.executable, "data_prep/shapes.py", "--out", str(folder / "raw"), "--train", "24", "--val", "12")
    run(
        *[sys.executable, "data_prep/coco.py", "--root", str(folder / "raw"), "--out", str(folder / "data")],
        *["--novel-categories", NOVEL, "--rows", "16", "--negatives", "0.25", "--val-negatives", "0.3"],
    )
    return folder / "data"


def _note(out: Path, result: object, what: str, wrong: str) -> None:
    with open(out / "results.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(dataclasses.asdict(result)) + "\n")  # type: ignore[call-overload]
    seconds = getattr(result, "seconds", None)
    print(f"{what}: {wrong or 'as it should be'}{f', {seconds:.1f} s' if seconds is not None else ''}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
