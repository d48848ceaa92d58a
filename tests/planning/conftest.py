# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable

import pytest

from verl_visual_rft.planning.command import compose, parse_command
from verl_visual_rft.planning.settings import Settings, settings_of

GRPO = "python -m verl.trainer.main_ppo --config-path pkg://verl_visual_rft.training.config --config-name visual_rft"
SFT = (
    "torchrun --standalone --nproc_per_node={ranks} -m verl.trainer.sft_trainer "
    "--config-path pkg://verl_visual_rft.training.config --config-name visual_sft"
)
MODEL = "Qwen/Qwen2-VL-2B-Instruct"


@pytest.fixture(scope="session")
def grpo() -> Callable[..., Settings]:
    """Settings of a GRPO training of our configuration on 8 GPUs, with overrides."""
    pytest.importorskip("hydra")
    pytest.importorskip("verl")

    def settings(*overrides: str) -> Settings:
        said = [f"actor_rollout_ref.model.path={MODEL}", "trainer.n_gpus_per_node=8", *overrides]
        return settings_of(compose(parse_command([*GRPO.split(), *said])))

    return settings


@pytest.fixture(scope="session")
def sft() -> Callable[..., Settings]:
    """The same for SFT."""
    pytest.importorskip("hydra")
    pytest.importorskip("verl")

    def settings(*overrides: str, ranks: int = 4) -> Settings:
        return settings_of(
            compose(parse_command([*SFT.format(ranks=ranks).split(), f"model.path={MODEL}", *overrides]))
        )

    return settings
