# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest
from hydra import compose, initialize_config_module

from verl_visual_rft.launching.cluster import forward_environment, with_token


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


@pytest.fixture
def given_to_ray(monkeypatch):
    """Let veRL start a run of ours up to the start of Ray; return the environment that its workers would get."""
    main_ppo = pytest.importorskip("verl.trainer.main_ppo")

    def start(*overrides):
        with initialize_config_module("verl_visual_rft.training.config", version_base=None):
            config = compose("visual_rft", overrides=list(overrides))
        forward_environment(config)
        started = []

        def init(**settings):
            started.append(settings)
            raise KeyboardInterrupt

        monkeypatch.setattr(main_ppo.ray, "init", init)
        with pytest.raises(KeyboardInterrupt):
            main_ppo.run_ppo(config, main_ppo.TaskRunnerV1)
        return started[0]["runtime_env"]

    return start


@pytest.mark.parametrize("cluster", ["own", "running"])
def test_workers_on_other_nodes_get_the_settings_of_the_command(cluster, given_to_ray, monkeypatch):
    settings = {
        "VERL_PLATFORM": "cpu",
        "VERL_FILE_LOGGER_PATH": "/run/m",
        "VISUAL_RFT_RUN": "/run",
        "OMP_NUM_THREADS": "3",
    }
    of_the_node_or_secret = {"VLLM_HOST_IP": "10.0.0.1", "GLOO_SOCKET_IFNAME": "eth0", "WANDB_API_KEY": "secret"}
    for name, value in (settings | of_the_node_or_secret).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NCCL_DEBUG", raising=False)  # veRL's SFT trainer sets it where it is imported
    forwarded = given_to_ray(f"cluster={cluster}")["env_vars"]
    assert settings.items() <= forwarded.items()
    assert not of_the_node_or_secret.keys() & forwarded.keys()
    assert forwarded["NCCL_DEBUG"] == "WARN"  # veRL's own are still there


def test_what_the_configuration_says_of_the_environment_goes_first(given_to_ray, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    for name in ("VERL_FULL_DETERMINISM", "VLLM_BATCH_INVARIANT", "PYTHONHASHSEED"):
        monkeypatch.setenv(name, "0")  # veRL sets them by its own setting
    environment = given_to_ray(
        "+ray_kwargs.ray_init.runtime_env.env_vars.OMP_NUM_THREADS='5'",
        "ray_kwargs.ray_init.runtime_env.py_executable=python3",
        "actor_rollout_ref.rollout.full_determinism=true",
    )
    assert environment["py_executable"] == "python3"
    assert environment["env_vars"]["OMP_NUM_THREADS"] == "5"
    assert environment["env_vars"]["VERL_FULL_DETERMINISM"] == "1"


def test_a_token_is_brought_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    assert "RAY_AUTH_MODE" not in with_token({})
    assert with_token({"RAY_AUTH_TOKEN": "t"})["RAY_AUTH_MODE"] == "token"
    assert with_token({"RAY_AUTH_TOKEN": "t", "RAY_AUTH_MODE": "disabled"})["RAY_AUTH_MODE"] == "disabled"
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("t")
    assert with_token({})["RAY_AUTH_MODE"] == "token"
