# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Every task is trained on, from its JSON line to a step and its metric, one of another package among them."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from pipeline import python_path, run, train

from verl_visual_rft.evaluation.training_log import TrainingLog
from verl_visual_rft.tasks import load_task, task_names

pytestmark = pytest.mark.long  # of every change: three tasks in one run, in test_rewards.py
STEPS = 2
OWN = "own_task_of_e2e"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainingLog:
    """Two steps on rows of all tasks; the quick metrics of the validation after the last."""
    folder = tmp_path_factory.mktemp("tasks")
    site = folder / "site"
    run("visual-rft", "task", "new", OWN, "--out", str(folder / "package"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(site), str(folder / "package")], check=True, timeout=120)
    environment = {"PYTHONPATH": python_path(site)}

    examples = {name: load_task(name).json_example for name in task_names()}
    examples[OWN] = '"statement": "The cup is left of the plate.", "right": "yes"'
    lines = []
    for number in range(4):
        draw_picture(folder / f"{number}.jpg", number)
        lines += [f'{{"image": "{number}.jpg", "task": "{name}", {keys}}}' for name, keys in examples.items()]
    (folder / "lines.jsonl").write_text("\n".join(lines) + "\n")
    assert all(isinstance(json.loads(line), dict) for line in lines)
    run(
        *[sys.executable, "data_prep/custom.py", "--jsonl", str(folder / "lines.jsonl"), "--val-jsonl"],
        *[str(folder / "lines.jsonl"), "--out", str(folder / "data")],
        **environment,
    )
    tokens = ["data.max_prompt_length=512", "data.max_response_length=32"]
    tokens += ["actor_rollout_ref.rollout.max_model_len=544"]
    return train(
        *[folder / "run", folder / "data", *tokens, f"trainer.total_training_steps={STEPS}", "trainer.save_freq=-1"],
        *[f"trainer.test_freq={STEPS}", "data.val_max_samples=-1", "data.val_batch_size=64"],
        **environment,
    )


def draw_picture(path: Path, seed: int) -> None:
    picture, rng = Image.new("RGB", (168, 168), "white"), random.Random(seed)
    for _ in range(3):
        x, y = rng.randrange(120), rng.randrange(120)
        ImageDraw.Draw(picture).rectangle((x, y, x + 40, y + 40), fill=rng.choice(("red", "green", "blue")))
    picture.save(path)


def test_steps_are_taken(trained: TrainingLog) -> None:
    assert trained.last_step == STEPS


@pytest.mark.parametrize("task", task_names())
def test_each_task_is_measured_while_it_trains(trained: TrainingLog, task: str) -> None:
    main = next(iter(load_task(task).quick))
    assert [series.values for series in trained.task_metric(main).values()], trained.names


def test_the_task_of_another_package_is_measured_too(trained: TrainingLog) -> None:
    assert any(source.endswith(f".{OWN}") for source in trained.task_metric("accuracy"))
