# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The GPUs of this machine, as Python and as the recipes count them."""

import os
import subprocess
from pathlib import Path

import pytest

from verl_visual_rft import gpus
from verl_visual_rft.errors import UserError
from verl_visual_rft.gpus import visible_gpus

ROOT = Path(__file__).parents[1]
MIG_INSTANCES = "  MIG 1g.10gb     Device  0: (UUID: MIG-1)\n  MIG 1g.10gb     Device  1: (UUID: MIG-2)\n"


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, ["0", "1"]),
        ("1", ["1"]),
        (" 3, 1", ["3", "1"]),
        ("GPU-8932f937,0", ["GPU-8932f937", "0"]),
        ("MIG-1,MIG-2,MIG-3", ["MIG-1", "MIG-2", "MIG-3"]),
        ("0,-1,1", ["0"]),
        ("", []),
        ("NoDevFiles", []),
    ],
)
def test_gpus_are_those_that_cuda_would_see(two_gpus, monkeypatch, allowed, expected):
    if allowed is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    assert visible_gpus() == expected


def test_without_a_driver_there_are_none(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", "")
    assert visible_gpus() == []


def test_a_gpu_in_mig_mode_is_one(two_gpus):
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True).stdout
    two_gpus.write_text(f"#!/bin/sh\ncat << END\n{listing}{MIG_INSTANCES}END\n")
    assert visible_gpus() == ["0", "1"]


def test_a_driver_that_hangs_is_one_line(two_gpus, monkeypatch):
    two_gpus.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(gpus, "_NVIDIA_SMI_SECONDS", 0.2)
    with pytest.raises(UserError, match="nvidia-smi does not answer"):
        visible_gpus()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "cuda 2"),
        ({"CUDA_VISIBLE_DEVICES": "1"}, "cuda 1"),
        ({"CUDA_VISIBLE_DEVICES": ""}, "cpu 1"),
        ({"CUDA_VISIBLE_DEVICES": "MIG-1,MIG-2,MIG-3", "DEVICE": "cuda"}, "cuda 3"),
        ({"NGPUS": "1"}, "cuda 1"),
        ({"DEVICE": "cuda", "NGPUS": "8"}, "cuda 8"),
        ({"DEVICE": "cpu"}, "cpu 1"),
        ({"SMOKE": "1"}, "cpu 1"),
        ({"SMOKE": "1", "DEVICE": "cuda"}, "cuda 2"),
    ],
)
def test_a_recipe_asks_the_same(two_gpus, settings, expected):
    done = subprocess.run(
        ["bash", "recipes/flowers102_2b.sh"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in ("DEVICE", "NGPUS", "SMOKE")}
        | {"DRY_RUN": "1"}
        | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    device, n_gpus = expected.split()
    assert f'"device": "{device}", "nodes": 1, "gpus": {n_gpus},' in done.stdout.splitlines()[0]
