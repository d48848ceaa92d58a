# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Runs of the real pipeline that several tests look at; each is made once, when the first test asks for it."""

import sys
from pathlib import Path

import pytest
from pipeline import NOVEL, run, train


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    run(sys.executable, "data_prep/shapes.py", "--out", str(folder / "raw"), "--train", "24", "--val", "12")
    run(
        *[sys.executable, "data_prep/coco.py", "--root", str(folder / "raw"), "--out", str(folder / "data")],
        *["--novel-categories", NOVEL, "--rows", "16", "--negatives", "0.25", "--val-negatives", "0.3"],
    )
    return folder / "data"


@pytest.fixture(scope="session")
def grpo_folder(tmp_path_factory, data) -> Path:
    """Two GRPO steps on one rank, a checkpoint after each."""
    folder = tmp_path_factory.mktemp("grpo")
    train(folder, data, "trainer.total_training_steps=2", "trainer.save_freq=1", "trainer.test_freq=2")
    return folder
