# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.planning.command import compose, parse_command

LAUNCHED = (
    "python -m verl_visual_rft.launching.launch --run out --title RFT --steps 2 -- python -m verl.trainer.main_ppo "
    "--config-path pkg://verl_visual_rft.training.config --config-name=visual_rft data.seed=3"
)


def test_what_stands_before_the_trainer_does_not_matter():
    command = parse_command(LAUNCHED.split())
    assert (command.trainer, command.config_name, command.overrides) == (
        "verl.trainer.main_ppo",
        "visual_rft",
        ("data.seed=3",),
    )


@pytest.mark.parametrize("flag", ["--nproc_per_node=4", "--nproc-per-node=4", "--nproc_per_node 4"])
def test_torchrun_says_the_ranks(flag):
    command = parse_command(f"torchrun --standalone {flag} -m verl.trainer.sft_trainer".split())
    assert command.ranks == 4


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("python train.py", "the command starts none of verl.trainer.main_ppo"),
        ("", "empty"),
        ("python -m verl.trainer.main_ppo --help", "--help is no setting: a setting of veRL is key=value"),
        ("torchrun --nproc_per_node=auto -m verl.trainer.sft_trainer", "--nproc_per_node auto: give a number"),
        (
            "python -m verl.trainer.main_ppo --config-path pkg://no_such_package.config",
            "no_such_package is not installed",
        ),
        ("python -m verl.trainer.main_ppo --config-path /nowhere", "/nowhere is no folder of configurations"),
        (
            "python -m verl.trainer.main_ppo data.no_such_key=1",
            r"Could not override 'data.no_such_key'.*\+data.no_such_key=1",
        ),
        ("python -m verl.trainer.main_ppo data.seed=", None),
        ("python -m verl.trainer.main_ppo +data.x=${nothing}", "'nothing' not found"),
        ("python -m verl.trainer.main_ppo data.seed", "setting refused: .*data.seed"),
    ],
)
def test_a_command_that_is_none_is_refused_in_one_line(line, message):
    pytest.importorskip("verl")
    if message is None:
        assert compose(parse_command(line.split()))["data"]["seed"] == ""
        return
    with pytest.raises(UserError, match=message) as error:
        compose(parse_command(line.split()))
    assert "\n" not in str(error.value)


def test_the_check_that_every_recipe_waits_for_imports_nothing_heavy():
    pytest.importorskip("verl")
    command = [*LAUNCHED.split(), "device=cpu", "actor_rollout_ref.model.path=Qwen/Qwen2-VL-2B-Instruct"]
    command += ["trainer.default_local_dir=out/checkpoints", "trainer.save_freq=1"]
    program = f"""
import sys
for name in ("torch", "transformers", "ray", "vllm", "verl.workers", "numpy.testing"):
    sys.modules[name] = None
from verl_visual_rft.planning.check import check_training
check_training({command!r})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
