# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A training over two nodes: what it computes, and what becomes of it when one of them is lost."""

import subprocess
import sys
import time

import psutil
import pytest
from pipeline import CPU, TIMEOUT, grpo, train, unmarked
from two_nodes import Node, two_nodes

from verl_visual_rft.evaluation.training_log import read_training_log, training_log_files
from verl_visual_rft.training.run_mark import RUN_MARK

pytestmark = [pytest.mark.e2e, pytest.mark.long]

STEPS = 6
SETTINGS = [
    f"trainer.total_training_steps={STEPS}",
    "trainer.save_freq=1",
    "trainer.test_freq=-1",
]
COMPARED = (
    "actor/pg_loss",
    "actor/kl_loss",
    "actor/grad_norm",
    "actor/entropy",
    "critic/score/mean",
    "response_length/mean",
)
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
LOST_WITHIN = 120  # seconds
# What is there of another run: veRL's data queue, by its name.
OTHER_RUN = """
import subprocess, sys, ray
ray.init(address="auto")
queue = ray.remote(type("Queue", (), {})).options(name="TransferQueueController", namespace="transfer_queue").remote()
sys.exit(subprocess.run([sys.executable, "-m", "verl_visual_rft.launching.nodes", sys.argv[1]]).returncode)
"""


def start(head: Node, folder, data) -> subprocess.Popen[str]:
    """GRPO over both nodes; started on the head."""
    both = ["cluster=running", "trainer.nnodes=2", "trainer.n_gpus_per_node=1"]
    return subprocess.Popen(
        head.inside(*grpo(folder, data, *SETTINGS, *both)),
        env=unmarked() | CPU | ONE_THREAD | {"RAY_ADDRESS": f"{head.address}:6379"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def steps_in(folder) -> tuple[int, ...]:
    files = training_log_files(folder) if list(folder.glob("metrics.*")) else []
    return tuple(read_training_log(files).by_step) if files and files[-1].exists() else ()


def processes_of(folder) -> list[str]:
    """On either node: this machine sees into both."""
    found = []
    for process in psutil.process_iter(["environ", "cmdline"]):
        if (process.info["environ"] or {}).get(RUN_MARK) == str(folder):
            found.append(" ".join(process.info["cmdline"] or []))
    return found


def join(node: Node, head: Node) -> None:
    assert f"node2 has joined {head.address}:6379" in node.run(
        "bash", "recipes/cluster/join.sh", f"{head.address}:6379", DEVICE="cpu"
    )


@pytest.fixture(scope="module")
def one_node(tmp_path_factory, data):
    """The same training on one node with two ranks."""
    return train(tmp_path_factory.mktemp("one"), data, *SETTINGS, "trainer.n_gpus_per_node=2", **ONE_THREAD)


def test_a_node_is_lost_and_the_run_resumed_as_if_nothing_had_been(tmp_path, data, one_node):
    folder = tmp_path / "run"
    with two_nodes(tmp_path) as nodes:
        head = nodes[0]
        assert "join.sh 10.77.0.1:6379" in head.run("bash", "recipes/cluster/head.sh", DEVICE="cpu")
        join(nodes[1], head)

        run = start(head, folder, data)
        while 3 not in steps_in(folder):
            assert run.poll() is None, run.stdout.read()
            time.sleep(0.1)
        nodes[1].power_off()
        said, _ = run.communicate(timeout=LOST_WITHIN)
        assert run.returncode == 1
        assert "GRPO: node node2 (10.77.0.2) left the Ray cluster" in said.replace("\n", " ")
        assert processes_of(folder) == []
        before = steps_in(folder)
        assert before[-1] < STEPS

        nodes[1] = Node(2, tmp_path)
        nodes[0].connect(nodes[1])
        join(nodes[1], head)
        run = start(head, folder, data)
        said, _ = run.communicate(timeout=TIMEOUT)
        assert run.returncode == 0, said
        assert processes_of(folder) == []
    assert "Resuming from" in (folder / "log.txt").read_text()
    two = read_training_log(training_log_files(folder))
    for step in range(1, STEPS + 1):
        for metric in COMPARED:
            assert two.by_step[step][metric] == pytest.approx(one_node.by_step[step][metric], rel=1e-4, abs=1e-6), (
                step,
                metric,
            )


def test_a_cluster_that_cannot_take_the_run_says_why(tmp_path):
    with two_nodes(tmp_path) as nodes:
        head = nodes[0]
        head.run("bash", "recipes/cluster/head.sh", DEVICE="cpu")
        join(nodes[1], head)
        ray = {"RAY_ADDRESS": f"{head.address}:6379", "RAY_AUTH_MODE": "token"}
        head.run("bash", "-euo", "pipefail", "-c", "source recipes/cluster/ray.sh && wait_for_nodes 2", **ray)
        watch = f"{sys.executable} -m verl_visual_rft.launching.nodes"
        said = head.run("bash", "-c", f"mkdir /tmp/ray/mine && {watch} /tmp/ray/mine", status=1, **ray)
        assert "node node2 (10.77.0.2) does not see /tmp/ray/mine" in said
        said = head.run(sys.executable, "-c", OTHER_RUN, str(tmp_path), status=1, **ray)
        assert "another run trains on this Ray cluster" in said
