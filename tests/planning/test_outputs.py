# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.planning.command import compose, parse_command
from verl_visual_rft.planning.inputs import check_outputs

pytest.importorskip("verl")
MODEL = "Qwen/Qwen2-VL-2B-Instruct"
CONFIG = "--config-path pkg://verl_visual_rft.training.config --config-name"
GRPO = f"python -m verl.trainer.main_ppo {CONFIG} visual_rft"
SFT = f"torchrun --nproc_per_node=1 -m verl.trainer.sft_trainer {CONFIG} visual_sft"
LAUNCH = "python -m verl_visual_rft.launching.launch --run /out/run --title T --"
OF_GRPO = [*LAUNCH.split(), *GRPO.split(), f"actor_rollout_ref.model.path={MODEL}", "trainer.save_freq=50"]
OF_SFT = [*LAUNCH.split(), *SFT.split(), f"model.path={MODEL}"]
FOLDER = "trainer.default_local_dir=/out/run/checkpoints"


def check(*command: str) -> None:
    check_outputs(command, compose(parse_command(command)))


def test_what_recipes_leave_is_found():
    check(*OF_GRPO, FOLDER)
    check(*OF_SFT, FOLDER)  # the last step is always saved
    check(*GRPO.split(), "trainer.save_freq=-1")  # without the launcher


@pytest.mark.parametrize(
    ("command", "override", "message"),
    [
        (OF_GRPO, "trainer.save_freq=-1", "leaves no checkpoint"),
        (OF_GRPO, "trainer.save_freq=0", "leaves no checkpoint"),
        (OF_SFT, "trainer.save_freq=0", "leaves no checkpoint"),
        (OF_GRPO, "trainer.default_local_dir=/elsewhere", "the export looks in /out/run/checkpoints"),
        (OF_SFT, "trainer.default_local_dir=/elsewhere", "the export looks in /out/run/checkpoints"),
        (OF_GRPO, "actor_rollout_ref.actor.checkpoint.save_contents=[hf_model]", "the export needs `model`"),
        (OF_SFT, "checkpoint.save_contents=[hf_model]", "the export needs `model`"),
        (OF_GRPO, "trainer.max_actor_ckpt_to_keep=0", "keeps one at least"),
        (OF_SFT, "trainer.max_ckpt_to_keep=0", "keeps one at least"),
        (OF_GRPO, "trainer.logger=[console]", "read the logger `file`"),
        (OF_SFT, "trainer.logger=[console]", "read the logger `file`"),
    ],
)
def test_what_later_stages_would_not_find_is_refused(command, override, message):
    with pytest.raises(UserError, match=message):
        check(*command, FOLDER, override)
