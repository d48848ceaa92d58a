# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import os
from collections.abc import Callable
from pathlib import Path

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


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose nvidia-smi, which is returned, lists two GPUs."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        '#!/bin/sh\n[ "$1" = -L ] && printf "GPU 0: NVIDIA A100 (UUID: a)\\nGPU 1: NVIDIA A100 (UUID: b)\\n"\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return tool
