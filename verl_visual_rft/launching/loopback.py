# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A run on one node listens on its loopback, and nowhere else.

Symptom: who reaches the machine over its network can run code in a training. TransferQueue and vLLM unpickle what
anybody sends, torchrun what anybody writes to its store, and Ray's token protects none of them. They listen on the
address that Ray or vLLM take for the node's own; PyTorch's store listens on every address, whatever it is told.
ray 2.60 ``_private/services.py`` (`get_node_ip_address`), torch 2.13 ``distributed/rendezvous.py``,
TransferQueue 0.1.11 ``utils/zmq_utils.py:293``, vllm 0.27 ``utils/network_utils.py:33``.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

from verl_visual_rft.training.run_mark import RUN_MARK

LOOPBACK = "127.0.0.1"
#: Of a run on one node, unless the user has set them.
SETTINGS = {
    # Ray then takes the loopback for the node's address, as it does on macOS and Windows; told 127.0.0.1, it would look
    # for another. TransferQueue, veRL's servers and rendezvous take theirs from Ray.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "VLLM_HOST_IP": LOOPBACK,
    "GLOO_SOCKET_IFNAME": "lo",
    "NCCL_SOCKET_IFNAME": "lo",
}


def stay_on_loopback(config: Any) -> None:
    """Have a training that is about to start, and all that it starts, listen on the loopback, if it is on one node."""
    if not _on_one_node(config):
        return
    set_environment()
    constants = sys.modules.get("ray._private.ray_constants")  # has read the environment when veRL was imported
    if constants is not None and os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0":
        setattr(constants, "ENABLE_RAY_CLUSTER", False)  # noqa: B010


def set_environment() -> None:
    """Let this process and its children take the loopback for the node's address."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


def keep_stores_on_loopback(rendezvous: ModuleType) -> None:
    """Have PyTorch's stores that are told to listen on the loopback do so."""
    import torch.distributed

    store = torch.distributed.TCPStore

    class LoopbackStore(store):  # type: ignore[misc, valid-type]
        """PyTorch's, with a socket of our making where it serves on the loopback."""

        def __init__(
            self,
            host_name: str,
            port: int,
            world_size: int | None = None,
            is_master: bool = False,
            *more: Any,
            **named: Any,
        ) -> None:
            if is_master and host_name in (LOOPBACK, "localhost") and named.get("master_listen_fd") is None:
                try:
                    listening = _listen(port)
                except OSError:  # of this process, which may share it, or of another: PyTorch says so
                    pass
                else:
                    port, named["master_listen_fd"] = listening.getsockname()[1], listening.detach()
            super().__init__(host_name, port, world_size, is_master, *more, **named)

    for module in (torch.distributed, rendezvous):
        setattr(module, store.__name__, LoopbackStore)


@dataclass(frozen=True)
class Listener:
    """A TCP socket that a process of a run listens on."""

    run: str
    process: str
    address: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.address.startswith("127.") or self.address in ("::1", "::ffff:127.0.0.1")


def listeners(run: Path | None = None) -> Iterator[Listener]:
    """Find what processes of a run, or of every run that was started by the launcher, listen on."""
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(RUN_MARK)
            if not mark or (run is not None and mark != str(run)):
                continue
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    name = f"{process.name()} (pid {process.pid})"
                    yield Listener(mark, name, connection.laddr.ip, connection.laddr.port)
        except psutil.Error:
            continue  # ended meanwhile, or another user's


def _on_one_node(config: Any) -> bool:
    if "ray_kwargs" in config:
        return bool(config.ray_kwargs.ray_init.get("address") == "local")  # cluster=own
    return os.environ.get("WORLD_SIZE", "1") == os.environ.get("LOCAL_WORLD_SIZE", "1")  # of torchrun


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, port))
        listening.listen(1024)
    except OSError:
        listening.close()
        raise
    return listening
