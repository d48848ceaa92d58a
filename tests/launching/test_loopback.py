# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a run on one node listens on."""

import os
import socket
import subprocess
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("ray")

from omegaconf import OmegaConf  # noqa: E402
from ray._private import ray_constants, services  # noqa: E402

from verl_visual_rft.launching.loopback import SETTINGS, Listener, listeners, stay_on_loopback  # noqa: E402
from verl_visual_rft.training.run_mark import RUN_MARK  # noqa: E402

OWN = OmegaConf.create({"ray_kwargs": {"ray_init": {"address": "local"}}})
RUNNING = OmegaConf.create({"ray_kwargs": {"ray_init": {"address": "auto"}}})
SFT = OmegaConf.create({})

#: A process group of one rank, and what the process listens on.
GROUP = """
import sys, psutil, torch.distributed
from verl_visual_rft.launching.loopback import keep_stores_on_loopback, set_environment
{prepare}
for number in range(2):
    torch.distributed.init_process_group("gloo", init_method=sys.argv[1], rank=0, world_size=1)
    found = psutil.Process().net_connections("tcp")
    print(*{{connection.laddr.ip for connection in found if connection.status == "LISTEN"}})
    torch.distributed.destroy_process_group()
"""
MENDED = "set_environment(); keep_stores_on_loopback(sys.modules['torch.distributed.rendezvous'])"

#: What a rank of torchrun and torchrun itself listen on.
RANK = """
import os, psutil, torch.distributed
torch.distributed.init_process_group("gloo")
for process in (psutil.Process(), psutil.Process().parent()):
    found = process.net_connections("tcp")
    print(*{connection.laddr.ip for connection in found if connection.status == "LISTEN"})
"""


@pytest.fixture
def settings(monkeypatch):
    """No setting of the user's; Ray as it is imported on Linux. What a test sets is undone."""
    for name in SETTINGS:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", True)


def free_port() -> int:
    with socket.socket() as drawn:
        drawn.bind(("127.0.0.1", 0))
        return int(drawn.getsockname()[1])


@pytest.mark.parametrize("config", [OWN, SFT], ids=["GRPO", "SFT"])
def test_ray_and_all_that_ask_it_take_the_loopback_for_the_address_of_a_run_on_one_node(config, settings):
    from vllm.utils.network_utils import get_ip

    stay_on_loopback(config)
    assert services.get_node_ip_address() == "127.0.0.1" == get_ip()
    assert os.environ["GLOO_SOCKET_IFNAME"] == "lo"


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_of_the_user_stays(name, settings, monkeypatch):
    monkeypatch.setenv(name, "1")
    stay_on_loopback(OWN)
    assert os.environ[name] == "1"
    assert ray_constants.ENABLE_RAY_CLUSTER is (name == "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER")


@pytest.mark.parametrize("config", [RUNNING, SFT], ids=["GRPO", "SFT"])
def test_a_run_on_several_nodes_keeps_their_addresses(config, settings, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    stay_on_loopback(config)
    assert ray_constants.ENABLE_RAY_CLUSTER and not SETTINGS.keys() & os.environ.keys()


@pytest.mark.long
def test_a_process_group_listens_on_the_loopback_where_pytorch_listens_everywhere():
    def listened(prepare: str) -> list[str]:
        command = [sys.executable, "-c", GROUP.format(prepare=prepare), f"tcp://127.0.0.1:{free_port()}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout.splitlines()

    assert listened(MENDED) == ["127.0.0.1", "127.0.0.1"]
    assert all("::" in line or "0.0.0.0" in line for line in listened(""))


@pytest.mark.slow
def test_torchrun_listens_on_the_loopback(tmp_path):
    (tmp_path / "rank.py").write_text(RANK)
    command = [sys.executable, "-m", "verl_visual_rft.launching.torchrun", "--nproc_per_node=1", tmp_path / "rank.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.stdout.splitlines() == ["127.0.0.1", "127.0.0.1"], done.stderr


@pytest.mark.parametrize(("address", "local"), [("127.0.0.1", True), ("0.0.0.0", False), ("127.0.0.2", True)])
def test_what_a_process_of_a_run_listens_on_is_found(address, local, tmp_path):
    code = f"import socket; s = socket.create_server(({address!r}, 0)); print(s.getsockname()[1], flush=True); input()"
    marked = os.environ | {RUN_MARK: str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=marked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        port = int(process.stdout.readline())
        (found,) = listeners(tmp_path)
        process.communicate("\n")
    assert isinstance(found, Listener)
    assert (found.address, found.port, found.is_local) == (address, port, local)
