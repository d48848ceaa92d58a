# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Two hosts on one machine: Linux namespaces with a network, host name, processes and /dev/shm of their own each."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from pipeline import CPU, ROOT, unmarked

# Its own: /dev/shm, Ray's folder, name and address (on a bridge, which stays when the cable is gone). Other files are
# shared, as on a network file system.
_BECOME_A_HOST = """
name=$0 address=$1 hosts=$2 up=$3
mount --make-rprivate / && mount -t proc proc /proc && mount -t tmpfs tmpfs /dev/shm && mount -t tmpfs tmpfs /tmp/ray &&
hostname "$name" && mount --bind "$hosts" /etc/hosts &&
ip link set lo up && ip link add lan type bridge && ip address add "$address/24" dev lan && ip link set lan up &&
ip route add default dev lan && touch "$up" && while sleep 1000; do :; done
"""
_NAMESPACES = ("--net", "--uts", "--mount", "--pid")


class Node:
    """A host of its own: processes in it see its network and each other, not the rest of the machine."""

    def __init__(self, number: int, folder: Path) -> None:
        self.name, self.address = f"node{number}", f"10.77.0.{number}"
        up = folder / f"{self.name}.up"
        up.unlink(missing_ok=True)
        command = ["bash", "-c", _BECOME_A_HOST, self.name, self.address, str(folder / "hosts"), str(up)]
        self._process = subprocess.Popen(
            ["unshare", *_NAMESPACES, "--fork", "--kill-child", *command], stdin=subprocess.DEVNULL
        )
        while not up.exists():
            assert self._process.poll() is None, f"{self.name} did not start"
            time.sleep(0.05)
        (self._init,) = psutil.Process(self._process.pid).children()

    def inside(self, *command: str) -> list[str]:
        """The command that runs ``command`` here."""
        return ["nsenter", f"--target={self._init.pid}", *_NAMESPACES, f"--wd={ROOT}", *command]

    def run(self, *command: str, status: int = 0, **environment: str) -> str:
        done = subprocess.run(
            self.inside(*command),
            env=unmarked() | CPU | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def connect(self, other: "Node") -> None:
        """Lay a cable between two nodes."""
        ends = f"netns {self._init.pid} type veth peer name cable netns {other._init.pid}"
        subprocess.run(f"ip link add cable {ends}".split(), check=True)
        for node in (self, other):
            node._ip("link", "set", "cable", "master", "lan", "up")

    def power_off(self) -> None:
        """End at once and without a word: the cable is cut before any connection can be closed."""
        self._ip("link", "delete", "cable")
        self.end()

    def _ip(self, *command: str) -> None:
        subprocess.run(["nsenter", f"--target={self._init.pid}", "--net", "ip", *command], check=True)

    def end(self) -> None:
        self._process.kill()  # the kernel ends every process of the namespace with its first
        self._process.wait()


@contextmanager
def two_nodes(folder: Path) -> Iterator[list[Node]]:
    """Two connected nodes, in a list so that a test can replace one."""
    if os.geteuid() != 0 or subprocess.run(["unshare", *_NAMESPACES, "--fork", "true"]).returncode != 0:
        pytest.skip("network namespaces need the rights of root")
    (folder / "hosts").write_text("127.0.0.1 localhost\n10.77.0.1 node1\n10.77.0.2 node2\n")
    Path("/tmp/ray").mkdir(exist_ok=True)
    nodes = [Node(1, folder), Node(2, folder)]
    try:
        nodes[0].connect(nodes[1])
        yield nodes
    finally:
        for node in nodes:
            node.end()
