# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Show the runs of run.sh: python benchmarks/reward_hacking/table.py outputs/reward_hacking/*/grpo_*."""

import argparse
import re
from pathlib import Path

from verl_visual_rft.evaluation.training_log import read_training_log, training_log_files

VALIDATION_IOU = re.compile(r"val-\w+/[^/]*/iou/mean@1")  # hits at IoU 0.5, the same for every reward
EDGE = 5  # steps at each end of a run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    runs = parser.parse_args().runs
    print(
        "| policy before GRPO | reward | validation IoU at step 0, 10, ... "
        "| training reward | confidence term | boxes matched |"
    )
    print("|---|---|---|---|---|---|")
    for run in runs:
        reward = run.name.removeprefix("grpo_")
        print(f"| {' | '.join([run.parent.name, reward, *row(run, reward)])} |")


def row(run: Path, reward: str) -> list[str]:
    """Return the validation IoU by step, and means of the first and last steps of training."""
    log = read_training_log(training_log_files(run))
    validation = [
        value
        for metrics in (log.by_step[step] for step in sorted(log.by_step))
        for name, value in metrics.items()
        if VALIDATION_IOU.fullmatch(name)
    ]
    cells = [" ".join(f"{value:.2f}" for value in validation)]
    for name in (reward, f"{reward}.confidence", f"{reward}.n_matched"):
        values = log.series(f"reward/{name}/mean").values
        first, last = values[:EDGE], values[-EDGE:]
        cells.append(f"{sum(first) / len(first):.2f} -> {sum(last) / len(last):.2f}")
    return cells


if __name__ == "__main__":
    main()
