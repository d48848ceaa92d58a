# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import asyncio
import os
import subprocess
import sys
import threading
from multiprocessing import shared_memory
from pathlib import Path

import pytest

from verl_visual_rft.launching.launch import launch
from verl_visual_rft.launching.shared_memory import name_by_run, remove_all_of
from verl_visual_rft.training.run_mark import RUN_MARK

# Ends like a process that Ray kills, together with the one that Python has clean up after it.
LEAVE = """
import multiprocessing, os, signal
import verl_visual_rft.plugin
from multiprocessing import resource_tracker, shared_memory
segment = shared_memory.SharedMemory(create=True, size=4096)
semaphore = multiprocessing.get_context("spawn").Lock()
print(segment.name, flush=True)
os.kill(resource_tracker._resource_tracker._pid, signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave(*runs):
    """What a process of each run left, all at a time."""
    command = [sys.executable, "-c", LEAVE]
    processes = [
        subprocess.Popen(command, env=os.environ | {RUN_MARK: str(run)}, stdout=subprocess.PIPE, text=True)
        for run in runs
    ]
    return [Path("/dev/shm") / process.communicate(timeout=60)[0].strip() for process in processes]


def test_what_a_killed_process_leaves_is_removed_and_nothing_of_other_runs(tmp_path):
    ours, more, others = leave(tmp_path / "a", tmp_path / "a", tmp_path / "b")
    assert ours.is_file() and more.is_file() and others.is_file() and ours != more
    assert remove_all_of(tmp_path / "a") == 4  # with each a semaphore
    assert not ours.exists() and not more.exists() and others.exists()
    assert remove_all_of(tmp_path / "b") == 2


def test_the_launcher_removes_what_its_command_left(tmp_path):
    launch(tmp_path, "x", None, [sys.executable, "-c", LEAVE])
    left = Path("/dev/shm") / (tmp_path / "log.txt").read_text().split()[0]
    assert left.name.startswith("v") and not left.exists()


@pytest.mark.long
def test_vllm_names_its_memory_by_the_run(tmp_path):
    """Fails without the fix: the two queues of vLLM's processes are called psm_..."""
    pytest.importorskip("vllm", reason="vllm is not installed")
    code = (
        "from vllm.plugins import load_general_plugins; load_general_plugins();"
        "from vllm.distributed.device_communicators.shm_broadcast import ShmRingBuffer;"
        "print('named', ShmRingBuffer(1, 1024, 2).shared_memory.name)"
    )
    environment = os.environ | {RUN_MARK: str(tmp_path)}
    shown = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True).stdout
    name = shown.split("named ")[1].strip()
    Path("/dev/shm", name).touch()  # it has ended in order, and removed its own
    assert remove_all_of(tmp_path) == 1


@pytest.mark.slow
def test_weights_are_sent_through_memory_of_such_a_name(tmp_path, monkeypatch):
    """Fails without the fix: a kill meanwhile leaves verl_weights_..., a bucket's size."""
    torch = pytest.importorskip("torch")
    transfer = pytest.importorskip("verl.workers.rollout.vllm_rollout.bucketed_weight_transfer")
    monkeypatch.setattr(shared_memory, "_SHM_NAME_PREFIX", shared_memory._SHM_NAME_PREFIX)  # put back
    name_by_run(tmp_path)
    got = []
    address = f"ipc://{tmp_path}/s"
    receiver = transfer.BucketedWeightReceiver(address, torch.device("cpu"), use_shm=True)

    def take(weights, last):
        got.append((weights[0][1].tolist(), remove_all_of(tmp_path)))

    here = threading.Thread(target=receiver.receive_weights, args=(take,))
    here.start()
    sender = transfer.BucketedWeightSender(address, bucket_size_mb=1, use_shm=True)
    with pytest.raises(FileNotFoundError):  # the test has removed it before the sender does
        asyncio.run(sender.async_send_weights([("w", torch.tensor([1.0, 2.0]))]))
    here.join(10)
    assert got == [([1.0, 2.0], 1)]
