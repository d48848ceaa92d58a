# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Watch over a run's nodes on a running Ray cluster: ``python -m verl_visual_rft.launching.nodes RUN``.

Started by `verl_visual_rft.launching.launch`, which can end processes on its own host only; and a veRL run that has
lost a node may wait for it for ever. This process reaches every node through Ray: it ends there what a killed start
of the run left, says "ready" when all nodes see the run's folder, and then watches. It ends with the first node that
does, or with the launcher, however that ended (its standard input closes), and ends the run's processes on all nodes.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TextIO

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from verl_visual_rft.errors import UserError
from verl_visual_rft.launching.cluster import LOST, READY
from verl_visual_rft.launching.launch import end_processes_of

_LOOK_EVERY = 2.0  # seconds
_ANSWER_WITHIN = 120.0  # seconds for a node to answer; its first Python process takes several
_GONE_WITHIN = 10.0  # seconds for Ray to end what a killed start left

Nodes = dict[str, str]  # Ray's node id -> "name (address)"


def main() -> int:
    """Watch over the run named on the command line; see the module's text.

    Returns:
        0 when the launcher has ended, `LOST` when a node has, 1 when the run cannot start.
    """
    answers = sys.stdout
    with redirect_stdout(sys.stderr):  # Ray prints its own messages
        return _attend(Path(sys.argv[1]), answers)


def _attend(run: Path, answers: TextIO) -> int:
    try:
        nodes = _connect()
        _prepare(nodes, run)
    except UserError as error:
        print(error, file=answers, flush=True)
        return 1
    print(READY, file=answers, flush=True)
    lost = _watch(nodes)
    if lost:
        print(f"{', '.join(lost)} left the Ray cluster", file=answers, flush=True)
    try:
        _on_each(end_processes_of, {node: name for node, name in nodes.items() if node in _alive()}, run)
    except UserError as error:  # of one more node: the launcher has its answer
        print(error)
    return LOST if lost else 0


def _connect() -> Nodes:
    address = os.environ.get("RAY_ADDRESS", "auto")
    host, _, port = address.rpartition(":")
    try:
        if port.isdigit():
            socket.create_connection((host, int(port)), timeout=10).close()  # Ray itself tries for many minutes
        ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
    except (OSError, RayError, RuntimeError) as error:  # Ray raises ConnectionError, an OSError, too
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"no Ray cluster to be had at {address} ({reason}); see recipes/cluster/head.sh") from error
    return _alive()


def _prepare(nodes: Nodes, run: Path) -> None:
    answers = _on_each(_end_and_look, nodes, run)
    for node, (sees_folder, _) in answers.items():
        if not sees_folder:
            raise UserError(f"{nodes[node]} does not see {run}; put OUTPUT_DIR on storage that all nodes share")
    _wait_for_room()
    versions = {nodes[node]: version for node, (_, version) in answers.items()}
    if len(set(versions.values())) > 1:
        raise UserError(f"the nodes have different versions of verl_visual_rft: {versions}; install one on all")


def _wait_for_room() -> None:
    """Refuse a cluster on which another run trains.

    Its data would be mixed with ours: a run takes the TransferQueue of that name where one exists (TransferQueue 0.1.11
    ``transfer_queue/interface.py:119,170``). That of a killed start goes as soon as Ray has noticed.
    """
    give_up = time.monotonic() + _GONE_WITHIN
    while time.monotonic() < give_up:
        try:
            ray.get_actor("TransferQueueController", namespace="transfer_queue")
        except ValueError:
            return
        time.sleep(1)
    raise UserError("another run trains on this Ray cluster, and veRL can hold one at a time; wait for its end")


def _watch(nodes: Nodes) -> list[str]:
    """Return when the launcher has ended, or a node: the nodes that are lost then."""
    lost: list[str] = []
    launcher_ended = False
    while not lost and not launcher_ended:
        launcher_ended = bool(select.select([sys.stdin], [], [], _LOOK_EVERY)[0])
        alive = _alive()
        lost = [name for node, name in nodes.items() if node not in alive]
        nodes |= alive  # one that has joined since may carry the run, too
    return lost


def _alive() -> Nodes:
    return {
        node["NodeID"]: f"node {node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        for node in ray.nodes()
        if node["Alive"]
    }


def _end_and_look(run: Path) -> tuple[bool, str]:
    from verl_visual_rft import __version__

    end_processes_of(run)
    return run.exists(), __version__


def _on_each(function: Any, nodes: Nodes, run: Path) -> dict[str, Any]:
    """What ``function(run)`` returns on each node."""
    remote = ray.remote(num_cpus=0, max_retries=0)(function)
    answers = {
        node: remote.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(run)
        for node in nodes
    }
    ray.wait(list(answers.values()), num_returns=len(answers), timeout=_ANSWER_WITHIN)
    found = {}
    for node, answer in answers.items():
        try:
            found[node] = ray.get(answer, timeout=0)
        except RayError as error:
            reason = str(error).strip().splitlines()[-1]
            raise UserError(f"{nodes[node]} cannot run verl_visual_rft: {reason}") from error
    return found


if __name__ == "__main__":
    sys.exit(main())
