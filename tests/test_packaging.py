# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from importlib.metadata import EntryPoint, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from verl_visual_rft.doctor.finding import run_python
from verl_visual_rft.miniature.originals import write_fake

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def entry_points(wheel: zipfile.ZipFile) -> list[EntryPoint]:
    (name,) = (name for name in wheel.namelist() if name.endswith("dist-info/entry_points.txt"))
    groups = ConfigParser()
    groups.read_string(wheel.read(name).decode())
    return [EntryPoint(key, value, group) for group in groups.sections() for key, value in groups[group].items()]


def test_wheel_holds_the_whole_package_and_nothing_else(wheel):
    files = (path.relative_to(ROOT).as_posix() for path in (ROOT / "verl_visual_rft").rglob("*") if path.is_file())
    package = {name for name in files if "__pycache__" not in name}
    packed = set(wheel.namelist())
    assert {name for name in packed if ".dist-info/" not in name} == package
    assert "verl_visual_rft/py.typed" in package
    assert any(name.endswith("licenses/LICENSE") for name in packed)
    assert any(name.endswith("licenses/NOTICE") for name in packed)


def test_entry_points_load(wheel):
    found = {(point.group, point.name): point for point in entry_points(wheel)}
    assert {
        ("console_scripts", "visual-rft"),
        ("verl.plugins", "visual_rft"),
        ("vllm.general_plugins", "visual_rft"),
        ("verl_visual_rft.rewards", "paper"),
        ("verl_visual_rft.rewards", "reference"),
        ("verl_visual_rft.rewards", "robust"),
        ("verl_visual_rft.rewards", "robust-1"),
    } <= set(found)
    # The doors of veRL and vLLM are tried in fresh processes, see test_doctor.py.
    ours = [point for (group, _), point in found.items() if group not in ("verl.plugins", "vllm.general_plugins")]
    assert len(ours) >= 4 and all(callable(point.load()) for point in ours)


def test_an_unpacked_wheel_prepares_data_without_the_repository(wheel, tmp_path):
    """`python -m` finds it in a folder on PYTHONPATH, before the one that is installed."""
    wheel.extractall(tmp_path / "wheel")
    write_fake("mg", tmp_path / "mg")
    command = "verl_visual_rft.cli data prepare mg --root mg --shots 4 --out data"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "wheel")}
    run = subprocess.run(
        [sys.executable, "-v", "-m", *command.split()], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert f"{tmp_path}/wheel/verl_visual_rft/datasets/sets/mg.py" in run.stderr
    assert str(ROOT / "verl_visual_rft") not in run.stderr
    assert (tmp_path / "data/manifest.json").is_file()


def test_core_is_light():
    heavy = {"torch", "numpy", "verl", "vllm", "transformers", "pyarrow", "PIL"}
    code = f"import sys, verl_visual_rft.answers, verl_visual_rft.rewards; print(sorted({heavy} & set(sys.modules)))"
    assert run_python(code).answer == "[]"


def pins_and_hashes(device: str) -> list[list[str]]:
    """A pin and its hashes, for each pin of a lock."""
    text = (ROOT / "constraints" / f"{device}.txt").read_text()
    lines = [line for line in text.replace(" \\\n", " ").splitlines() if not line.startswith("#")]
    return [[part.strip() for part in line.split("--hash=")] for line in lines]


def locked(device: str) -> list[Requirement]:
    return [Requirement(pin) for pin, *_ in pins_and_hashes(device)]


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_every_pin_has_hashes_which_uv_compares(device):
    """So that a mirror, or another index of pip's configuration, cannot hand over another file of the same version."""
    for _, *hashes in pins_and_hashes(device):
        assert hashes and all(re.fullmatch("sha256:[0-9a-f]{64}", digest) for digest in hashes)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_lock_meets_every_requirement(device):
    pins: dict[str, list[str]] = {}
    for pin in locked(device):
        (exact,) = pin.specifier
        assert (exact.operator, pin.url, "+" in exact.version) == ("==", None, False), pin
        pins.setdefault(canonicalize_name(pin.name), []).append(exact.version)
    for line in distribution("verl-visual-rft").requires or []:
        requirement = Requirement(line)
        applies = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in ("", device, "data", "eval", "reference", "dev")
        )
        if applies and requirement.name != "verl-visual-rft":
            versions = pins[canonicalize_name(requirement.name)]
            assert all(requirement.specifier.contains(version) for version in versions), requirement


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_lock_has_a_setuptools_without_the_known_hole(device):
    """CVE-2025-47273, mended in 78.1.1."""
    (pin,) = (pin for pin in locked(device) if pin.name == "setuptools")
    assert Requirement("setuptools<78.1.1").specifier.contains(str(pin.specifier).removeprefix("==")) is False


@pytest.mark.parametrize("device", ["cpu", "gpu"])
@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12"])
def test_lock_pins_each_package_once_for_each_python(device, python):
    environment = {"python_version": python, "python_full_version": f"{python}.7"}
    names = [pin.name for pin in locked(device) if pin.marker is None or pin.marker.evaluate(environment)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("script", "arguments", "status", "says"),
    [
        ("setup.sh", ["--help"], 0, "Usage: scripts/setup.sh"),
        ("setup.sh", ["tpu"], 2, "unknown argument 'tpu'. Remedy:"),
        ("test.sh", ["--help"], 0, "Usage: scripts/test.sh"),
        ("test.sh", ["everything"], 2, "unknown part 'everything'. Remedy:"),
    ],
)
def test_script_arguments(script, arguments, status, says):
    run = subprocess.run(["bash", ROOT / "scripts" / script, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == status
    assert says in run.stdout + run.stderr


@pytest.mark.parametrize("python3", [None, "#!/bin/sh\nexit 1\n"], ids=["absent", "too old"])
def test_setup_without_a_python_that_fits(tmp_path, python3):
    """On a machine with no suitable Python the set-up names the remedy and leaves nothing behind."""
    clone, programs = tmp_path / "clone", tmp_path / "bin"
    shutil.copytree(ROOT / "scripts", clone / "scripts")
    programs.mkdir()
    for name in ("bash", "dirname", "flock"):
        (programs / name).symlink_to(shutil.which(name))
    if python3:
        (programs / "python3").write_text(python3)
        (programs / "python3").chmod(0o755)
    setup = [programs / "bash", clone / "scripts" / "setup.sh", "cpu"]
    run = subprocess.run(setup, env={"PATH": str(programs)}, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "no Python 3.10-3.12" in run.stderr
    assert "Remedy:" in run.stderr
    assert sorted(path.name for path in clone.iterdir()) == ["scripts"]
