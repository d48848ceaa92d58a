# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What several tests look at; each is made once, when the first test asks for it."""

import json
import shutil
import sys
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from faults.kills import Kill, Outcome, carry_out, start_again
from faults.supervised import Run, training
from pipeline import FLAKY, NOVEL, ROOT, Trained, python_path, run, train
from reward_package import FAILING, write_package

from verl_visual_rft.evaluation.training_log import TrainingLog, read_training_log, training_log_files
from verl_visual_rft.launching.loopback import Listener, listeners


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared rows of detection."""
    folder = tmp_path_factory.mktemp("shapes")
    run(sys.executable, "data_prep/shapes.py", "--out", str(folder / "raw"), "--train", "24", "--val", "12")
    run(
        *[sys.executable, "data_prep/coco.py", "--root", str(folder / "raw"), "--out", str(folder / "data")],
        *["--novel-categories", NOVEL, "--rows", "16", "--negatives", "0.25", "--val-negatives", "0.3"],
    )
    return folder / "data"


@pytest.fixture(scope="session")
def three_tasks(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """The same rows: of each four one names its reward, one asks for a class, one for one box, and one is as it was."""
    folder = tmp_path_factory.mktemp("three_tasks")
    for name in ("train", "val"):
        rows = pq.read_table(data / f"{name}.parquet").to_pylist()
        with_boxes, without = ([row for row in rows if bool(boxes_of(row)) is has] for has in (True, False))
        made = []
        for kind in cycle(("reward", "class", "box", "")):
            row = (without or with_boxes if kind == "" else with_boxes).pop(0)
            if kind == "reward":
                row["extra_info"]["reward"] = "paper"
            elif kind == "class":
                row |= {"ability": "classification", "data_source": "classes"}
                row["reward_model"]["ground_truth"] = json.dumps({"label": row["extra_info"]["category"]})
            elif kind == "box":
                row |= {"ability": "grounding", "data_source": "boxes"}
                row["reward_model"]["ground_truth"] = json.dumps({"box": boxes_of(row)[0]})
            made.append(row)
            if not with_boxes:
                break
        pq.write_table(pa.Table.from_pylist(made), folder / f"{name}.parquet")
    return folder


def boxes_of(row: dict) -> list:
    return json.loads(row["reward_model"]["ground_truth"])["boxes"]


@pytest.fixture(scope="session")
def shared_memory_before() -> set[Path]:
    return set(Path("/dev/shm").iterdir())


@pytest.fixture(scope="session")
def grpo(tmp_path_factory: pytest.TempPathFactory, three_tasks: Path, shared_memory_before: set[Path]) -> Trained:
    """Two steps on two ranks, of three tasks, with a reward of another package and all that a person can see of it."""
    installed = tmp_path_factory.mktemp("installed")
    run(
        *[sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--target", str(installed)],
        str(ROOT / "examples" / "counting_reward"),
    )
    folder = tmp_path_factory.mktemp("grpo")
    overrides = (
        *("trainer.total_training_steps=2", "trainer.save_freq=1", "trainer.test_freq=2"),
        *("trainer.val_before_train=true", "data.shuffle=false", "visual_rft.reward='robust=1,counting=0.5'"),
        *("visual_rft.samples={count: 4, every: 1}", "trainer.logger=[console,file,tensorboard]"),
        "trainer.n_gpus_per_node=2",
    )
    environment = {
        "PYTHONPATH": python_path(installed),
        "TENSORBOARD_DIR": str(folder / "tensorboard"),
        "OMP_NUM_THREADS": "1",  # of each rank
    }
    log = train(folder, three_tasks, *overrides, **environment)
    return Trained(folder, three_tasks, overrides, environment, log)


@pytest.fixture(scope="session")
def failing_rewards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for ``sys.path``."""
    folder = tmp_path_factory.mktemp("failing_rewards")
    return write_package(folder, "failing_rewards", FAILING, "raises", "backtracks", "huge")


@dataclass(frozen=True)
class Resumed:
    """A run that went on from the checkpoints of another, where it listened, and what killing one of its parts did."""

    folder: Path
    log: TrainingLog
    outcome: Outcome
    listeners: tuple[Listener, ...]


@pytest.fixture(scope="session")
def resumed(tmp_path_factory: pytest.TempPathFactory, grpo: Trained, failing_rewards: Path) -> Resumed:
    """`grpo` goes on until a worker is killed: one session of four fails, the reward fails on a third of the rest."""
    folder = tmp_path_factory.mktemp("resumed") / "run"
    shutil.copytree(grpo.folder, folder)
    settings = (
        *(override for override in grpo.overrides if not override.startswith("trainer.")),
        *("trainer.n_gpus_per_node=2", FLAKY, "visual_rft.reward=raises", "visual_rft.on_reward_error=zero"),
        # So that some hold nothing but the rows without pictures that fill the batch up.
        *("actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=2", f"trainer.rollout_data_dir={folder}/rollouts"),
    )
    paths = python_path(ROOT / "tests" / "e2e", failing_rewards)
    environment = grpo.environment | {"VISUAL_RFT_TEST_FAILING": "0", "PYTHONPATH": paths}
    run = Run(folder, training(folder, grpo.data, *settings), **environment)
    try:
        start_again(run)
        open_to = tuple(listeners(folder))
        outcome = carry_out(run, Kill("training worker", "checkpoint", 0.3))
    finally:
        run.end()
    return Resumed(folder, read_training_log(training_log_files(folder)), outcome, open_to)
