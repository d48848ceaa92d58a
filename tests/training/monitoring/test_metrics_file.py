# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from verl_visual_rft.evaluation.training_log import read_training_log
from verl_visual_rft.training.monitoring.metrics_file import spare_metrics

pytest.importorskip("verl", reason="verl is not installed")

TRAINER = {"logger": ["console", "file"], "project_name": "project", "experiment_name": "rft"}


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Log some steps as one start of a run; return the file."""
    from verl.utils.tracking import FileLogger

    def call(*steps, path=None):
        with monkeypatch.context() as environment:
            environment.chdir(tmp_path)
            environment.setenv("VERL_FILE_LOGGER_PATH", path or "")  # put back as it was, whatever is set meanwhile
            if path is None:
                environment.delenv("VERL_FILE_LOGGER_PATH")
            spare_metrics({"trainer": TRAINER})
            logger = FileLogger("project", "rft")
            for step in steps:
                logger.log({"loss": float(step)}, step=step)
            logger.finish()
            return tmp_path / logger.filepath

    return call


@pytest.mark.parametrize("path", [None, "run/metrics.jsonl"])
def test_no_start_empties_the_metrics_of_another(start, tmp_path, path):
    (tmp_path / "run").mkdir()
    first = start(1, 2, 3, path=path)
    with open(first, "a") as cut:
        cut.write('{"step": 4, "da')  # killed while it wrote
    second, third = start(3, 4, path=path), start(5, path=path)
    assert [file.name.partition(".")[2] for file in (first, second, third)] == ["jsonl", "2.jsonl", "3.jsonl"]
    log = read_training_log([first, second, third])
    assert log.series("loss").steps == (1, 2, 3, 4, 5)
    assert log.cut_lines == 1


def test_other_loggers_need_no_file(tmp_path, monkeypatch):
    (tmp_path / "metrics.jsonl").touch()
    monkeypatch.setenv("VERL_FILE_LOGGER_PATH", str(tmp_path / "metrics.jsonl"))
    spare_metrics({"trainer": TRAINER | {"logger": ["console"]}})
    assert os.environ["VERL_FILE_LOGGER_PATH"] == str(tmp_path / "metrics.jsonl")
