# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import pytest

from verl_visual_rft.evaluation.training_log import read_training_log
from verl_visual_rft.training.checkpoints.metrics_file import drop_cut_line

pytest.importorskip("verl", reason="verl is not installed")

# As veRL's trainers do: the checkpoint first, then the logger.
_START = """
import sys
from verl.utils.tracking import FileLogger
if sys.argv[1] == "resumed":
    from verl_visual_rft.training.checkpoints.metrics_file import append_from_now_on
    append_from_now_on()
logger = FileLogger("project", "experiment")
for step in sys.argv[2:]:
    logger.log({"loss": float(step)}, step=int(step))
"""


def start(folder, how, *steps):
    command = [sys.executable, "-c", _START, how, *map(str, steps)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "VERL_FILE_LOGGER_ROOT": str(folder)}
    environment.pop("VERL_FILE_LOGGER_PATH", None)
    subprocess.run(command, cwd=folder, check=True, env=environment)
    return folder / "project" / "experiment.jsonl"


@pytest.mark.slow
def test_a_resumed_run_goes_on_writing_its_metrics(tmp_path):
    file = start(tmp_path, "new", 1, 2, 3)
    with open(file, "a") as cut:
        cut.write('{"step": 4, "da')  # killed while it wrote
    start(tmp_path, "resumed", 3, 4)
    log = read_training_log([file])
    assert log.series("loss").steps == (1, 2, 3, 4)
    assert log.cut_lines == 0
    start(tmp_path, "new", 1)
    assert read_training_log([file]).last_step == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [("a\nb\nc", "a\nb\n"), ("a\n", "a\n"), ("cut", ""), ("", "")],
    ids=["cut", "whole", "all", "no"],
)
def test_only_a_last_line_without_its_newline_is_dropped(tmp_path, before, after):
    file = tmp_path / "metrics.jsonl"
    file.write_text(before)
    drop_cut_line(file)
    assert file.read_text() == after
    drop_cut_line(tmp_path / "missing.jsonl")
