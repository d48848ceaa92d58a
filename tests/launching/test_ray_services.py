# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Processes that are called as Ray's are; with Ray itself: tests/e2e/test_guards.py."""

import shutil
import subprocess
import sys
import threading
import time

import psutil
import pytest

from verl_visual_rft.launching import ray_services
from verl_visual_rft.launching.launch import launch

# Starts them as a driver does, and waits for ever; or for their end, as it does when it ends them itself.
DRIVER = """
import subprocess, sys, time
services = [subprocess.Popen([path, "300"]) for path in sys.argv[3:]]
if sys.argv[1] == "ends":
    time.sleep(1)
    for service in services:
        service.kill()
    time.sleep(float(sys.argv[2]))
    raise SystemExit("ValueError: the real reason")
time.sleep(300)
"""


@pytest.fixture
def services(tmp_path, monkeypatch):
    monkeypatch.setattr(ray_services, "_LOOK_EVERY", 0.1)
    monkeypatch.setattr(ray_services, "_GRACE", 3.0)
    paths = [tmp_path / name for name in ("raylet", "gcs_server")]
    for path in paths:
        shutil.copy(shutil.which("sleep"), path)
    return [str(path) for path in paths]


def running(name, seconds=20):
    """The process of this test that is called so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = [p for p in psutil.Process().children(recursive=True) if p.name() == name]
        if found:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no {name} was started")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["raylet", pytest.param("gcs_server", marks=pytest.mark.long)])
def test_a_run_without_one_of_rays_services_is_ended_and_told_why(services, tmp_path, capfd, monkeypatch, name):
    monkeypatch.setattr(ray_services, "_APART", 1.0)

    def kill() -> None:
        service = running(name)
        time.sleep(1)  # until it has been seen
        service.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    began = time.monotonic()
    status = launch(tmp_path / "run", "GRPO", None, [sys.executable, "-c", DRIVER, "waits", "0", *services])
    killer.join()
    assert status == 1
    assert f"Ray's {name} (pid " in capfd.readouterr().err
    assert time.monotonic() - began < 30


@pytest.mark.slow
@pytest.mark.parametrize(
    "seconds", ["1", pytest.param("6", marks=pytest.mark.long)]
)  # the longer one: a busy machine, beyond the time of one that is lost
def test_a_run_that_ends_its_services_itself_has_its_own_reason(services, tmp_path, capfd, seconds):
    assert launch(tmp_path / "run", "GRPO", None, [sys.executable, "-c", DRIVER, "ends", seconds, *services]) == 1
    shown = capfd.readouterr().err
    assert "ValueError: the real reason" in shown
    assert "raylet" not in shown


def test_a_command_that_has_ended_has_lost_nothing():
    command = subprocess.Popen([sys.executable, "-c", ""])
    watch = ray_services.RayServices(command.pid)
    command.wait()
    assert not watch.given_up
    assert watch.lost() == ""
