# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest
from hydra import compose, initialize_config_module

from verl_visual_rft.training.cluster import with_token


def ray_init(*overrides):
    with initialize_config_module("verl_visual_rft.training.config", version_base=None):
        return compose("visual_rft", overrides=list(overrides)).ray_kwargs.ray_init


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_run_starts_its_own_cluster_unless_told_otherwise(device):
    assert ray_init(f"device={device}").address == "local"


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_running_cluster_is_not_told_what_its_nodes_have(device):
    settings = ray_init(f"device={device}", "cluster=running")
    assert settings.address == "auto"
    # ray.init: "When connecting to an existing cluster, num_cpus and num_gpus must not be provided."
    assert (settings.num_cpus, settings.num_gpus, settings.object_store_memory) == (None, None, None)


def test_workers_on_other_nodes_get_the_settings_of_the_command(monkeypatch):
    constants_ppo = pytest.importorskip("verl.trainer.constants_ppo")
    settings = {
        "VERL_PLATFORM": "cpu",
        "VERL_FILE_LOGGER_PATH": "/run/m",
        "VISUAL_RFT_RUN": "/run",
        "OMP_NUM_THREADS": "3",
    }
    of_the_node_or_secret = {"VLLM_HOST_IP": "10.0.0.1", "GLOO_SOCKET_IFNAME": "eth0", "WANDB_API_KEY": "secret"}
    for name, value in (settings | of_the_node_or_secret).items():
        monkeypatch.setenv(name, value)
    forwarded = constants_ppo.get_ppo_ray_runtime_env()["env_vars"]
    assert settings.items() <= forwarded.items()
    assert not of_the_node_or_secret.keys() & forwarded.keys()
    assert forwarded["NCCL_DEBUG"] == "WARN"  # veRL's own are still there


def test_a_token_is_brought_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    assert "RAY_AUTH_MODE" not in with_token({})
    assert with_token({"RAY_AUTH_TOKEN": "t"})["RAY_AUTH_MODE"] == "token"
    assert with_token({"RAY_AUTH_TOKEN": "t", "RAY_AUTH_MODE": "disabled"})["RAY_AUTH_MODE"] == "disabled"
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("t")
    assert with_token({})["RAY_AUTH_MODE"] == "token"
