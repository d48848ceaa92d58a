# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The scripts of recipes/cluster where no cluster is at hand: what they ask for and what they refuse."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from verl_visual_rft.runs.quickstart import NAMES as QUICKSTART
from verl_visual_rft.runs.variables import NAMES as VARIABLES

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "recipes" / "cluster"
SCRIPTS = ("head", "join", "stop", "submit", "slurm")


def script(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "SLURM_"))}
    return subprocess.run(
        ["bash", str(CLUSTER / f"{name}.sh"), *arguments],
        cwd="/",
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return str(port)


@pytest.fixture
def token(tmp_path) -> dict[str, str]:
    (tmp_path / "token").write_text("0" * 64)
    return {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "token")}


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_says_how_to_call_it(name):
    done = script(name, "--help")
    assert done.returncode == 0
    assert f"recipes/cluster/{name}.sh" in done.stdout
    assert "set -euo" not in done.stdout


@pytest.mark.parametrize("name", ["head", "join", "submit"])
def test_a_host_without_ray_is_told_how_to_get_it(name):
    arguments = {"head": [], "join": ["10.0.0.1:6379"], "submit": ["recipes/quickstart.sh"]}[name]
    done = script(name, *arguments, PATH="/usr/bin:/bin", VIRTUAL_ENV="/none")
    assert done.returncode == 1
    assert "no Ray on" in done.stderr and "bash scripts/setup.sh" in done.stderr


def test_a_taken_port_is_named(taken_port):
    done = script("head", PORT=taken_port)
    assert done.returncode == 1
    assert f"port {taken_port} of this host is taken" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["10.0.0.1"], ["http://10.0.0.1:6379"]])
def test_join_wants_host_and_port(arguments):
    done = script("join", *arguments)
    assert done.returncode == 1
    assert "which head?" in done.stderr


def test_join_says_that_no_head_answers(free_port, token):
    done = script("join", f"127.0.0.1:{free_port}", WAIT="1", **token)
    assert done.returncode == 1
    assert f"no Ray head answers at 127.0.0.1:{free_port}" in done.stderr


def test_join_wants_the_token_of_the_head(tmp_path):
    done = script("join", "127.0.0.1:6379", RAY_AUTH_TOKEN_PATH=str(tmp_path / "none"))
    assert done.returncode == 1
    assert f"no token in {tmp_path}/none" in done.stderr


def test_an_unknown_device_is_refused(token):
    done = script("join", "127.0.0.1:6379", DEVICE="tpu", **token)
    assert done.returncode == 1
    assert "DEVICE=tpu is not known; choose auto, cpu or cuda" in done.stderr


def test_submit_wants_a_recipe_and_a_dashboard(free_port, token):
    assert "which recipe?" in script("submit", "recipes/none.sh").stderr
    done = script("submit", "recipes/quickstart.sh", DASHBOARD=f"127.0.0.1:{free_port}", **token)
    assert done.returncode == 1
    assert f"no Ray dashboard answers at 127.0.0.1:{free_port}" in done.stderr


@pytest.mark.parametrize(("recipe", "names"), [("coco_fewshot_2b", VARIABLES), ("quickstart", QUICKSTART)])
def test_submit_passes_all_variables_of_the_recipe_on(recipe, names, taken_port, tmp_path, token):
    (tmp_path / "ray").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "ray").chmod(0o755)
    path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    values = {name: f"/{name} {name}" for name in names}
    given = token | values | {"PATH": path, "PYTHONPATH": str(CLUSTER.parents[1]), "OTHER": "1"}
    done = script("submit", f"recipes/{recipe}.sh", **given, DASHBOARD=f"127.0.0.1:{taken_port}")
    assert done.returncode == 0, done.stderr
    passed = [line for line in done.stdout.splitlines() if re.match("[A-Z_]+=", line)]
    assert sorted(passed) == sorted(f"{name}={value}" for name, value in values.items())


def test_submit_submits_nothing_where_the_names_of_the_variables_cannot_be_asked_for(taken_port, tmp_path, token):
    """The job ran, with none of them."""
    for name, line in (("ray", "echo submitted"), ("python", "exit 3")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    given = token | {"PATH": path, "VIRTUAL_ENV": str(tmp_path), "SHOTS": "4"}
    done = script("submit", "recipes/coco_fewshot_2b.sh", **given, DASHBOARD=f"127.0.0.1:{taken_port}")
    assert done.returncode == 3 and "submitted" not in done.stdout


def test_slurm_outside_a_job_says_so():
    done = script("slurm", "recipes/quickstart.sh")
    assert done.returncode == 1
    assert "not in a SLURM job" in done.stderr


def test_slurm_starts_a_head_and_joins_and_runs_the_recipe(tmp_path, token):
    """With stand-ins for SLURM's and Ray's commands: which hosts are asked for what, and what the recipe is told."""
    for name, body in {
        "srun": 'echo "srun $*" >> "$CALLS"; [[ $* != *get_node_ip_address* ]] || echo 10.1.1.1',
        "scontrol": "printf '%s\\n' host1 host2 host3",
        "ray": "printf '%s\\n' Active: ' 1 node_a' ' 1 node_b' ' 1 node_c' Pending: ' (no pending nodes)'",
    }.items():
        (tmp_path / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    recipe = tmp_path / "recipe.sh"
    recipe.write_text('echo "recipe $RAY_ADDRESS nodes=$NNODES gpus=$NGPUS $*"')
    slurm = {"SLURM_JOB_ID": "1", "SLURM_JOB_NUM_NODES": "3", "SLURM_JOB_NODELIST": "host[1-3]"}
    slurm |= {"SLURM_GPUS_ON_NODE": "8", "SLURM_CPUS_ON_NODE": "64", "SLURM_SUBMIT_DIR": str(ROOT)}
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "VIRTUAL_ENV": "/none", "CALLS": str(tmp_path / "calls")}
    done = script("slurm", str(recipe), "trainer.save_freq=5", **slurm, **path, **token)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "recipe 10.1.1.1:6379 nodes=3 gpus=8 trainer.save_freq=5"
    calls = re.findall(r"--nodelist (\w+) (.*)", (tmp_path / "calls").read_text())
    assert ("host1", "env NODE_IP=10.1.1.1 bash recipes/cluster/head.sh --block") in calls
    for host in ("host2", "host3"):
        assert (host, "env -u NODE_IP bash recipes/cluster/join.sh 10.1.1.1:6379 --block") in calls


def test_the_kubernetes_job_tells_the_recipe_the_size_of_its_cluster():
    spec = yaml.safe_load((CLUSTER / "rayjob.yaml").read_text())["spec"]
    head, (workers,) = spec["rayClusterSpec"]["headGroupSpec"], spec["rayClusterSpec"]["workerGroupSpecs"]
    assert f"NNODES={1 + workers['replicas']} " in spec["entrypoint"]
    for group in (head, workers):
        (container,) = group["template"]["spec"]["containers"]
        assert f"NGPUS={container['resources']['limits']['nvidia.com/gpu']} " in spec["entrypoint"]
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounts == {"/shared", "/dev/shm"}
    assert spec["rayClusterSpec"]["rayVersion"] in (ROOT / "constraints" / "gpu.txt").read_text()


HOSTILE = ["$(touch {})", "`touch {}`", "9; touch {} #", "a[$(touch {})]", "9\ntouch {}"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("variable", ["PORT", "DASHBOARD_PORT", "NODE_IP", "NGPUS", "DASHBOARD", "WAIT", "HEAD"])
def test_a_value_is_data_and_never_run(variable, value, tmp_path, token, taken_port):
    ran = tmp_path / "ran"
    value = value.format(ran)
    environment = token | {"DEVICE": "cpu", "HOME": str(tmp_path), "WAIT": "0"}
    if variable == "HEAD":
        done = script("join", f"{value}:6379", **environment)
    elif variable == "DASHBOARD":
        done = script("submit", "recipes/quickstart.sh", **environment, DASHBOARD=value)
    elif variable == "WAIT":
        done = script("join", f"127.0.0.1:{taken_port}", **environment | {"WAIT": value})
    else:
        # The dashboard's port is taken, so that no head starts whatever the value is.
        done = script("head", **environment | {"NODE_IP": "127.0.0.1", "PORT": taken_port} | {variable: value})
    assert done.returncode != 0 and not ran.exists()
    assert "error: " in done.stderr


@pytest.mark.parametrize(
    "port",
    ["65536", *(pytest.param(port, marks=pytest.mark.long) for port in ("0", "99999", "-1", "6379x", "06379", " "))],
)
def test_a_port_that_is_none_is_refused(port, token):
    done = script("head", PORT=port, **token)
    assert done.returncode == 1 and f"{port} is no port from 1 to 65535" in done.stderr
