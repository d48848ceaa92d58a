# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What `scripts/setup.sh` says of machines, environments and indexes that it cannot install on, into or from."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sysconfig
import threading
import venv
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import distribution
from pathlib import Path

import pytest

pytest.importorskip("uv", reason="uv is not installed: scripts/setup.sh cpu --dev")

ROOT = Path(__file__).parents[2]
GPU = {"nvidia-smi": "echo 580.65.06", "nvcc": "echo 'Cuda compilation tools, release 13.0, V13.0.88'"}


class Clone:
    """A clone of the repository, an environment, and the programs of a machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.environment, self.programs = folder / "clone", folder / "environment", folder / "programs"
        shutil.copytree(ROOT / "scripts", self.folder / "scripts")
        shutil.copytree(ROOT / "constraints", self.folder / "constraints")
        shutil.copy(ROOT / "pyproject.toml", self.folder)
        venv.create(self.environment, symlinks=True)
        variables = {"base": str(self.environment), "platbase": str(self.environment)}
        self.packages = Path(sysconfig.get_path("purelib", "venv", variables))
        self.programs.mkdir()

    def borrow(self, package: str) -> None:
        """Put a package of the running environment into this one."""
        found = Path(str(distribution(package).locate_file(package)))
        (self.packages / package).symlink_to(found)
        (metadata,) = found.parent.glob(f"{package}-*.dist-info")
        (self.packages / metadata.name).symlink_to(metadata)

    def without_uv(self) -> None:
        """Take uv away, as in an environment that is new."""
        for link in self.packages.glob("uv*"):
            link.unlink()

    def install(self, package: str, version: str) -> None:
        """Put the metadata of a package into the environment."""
        metadata = self.packages / f"{package}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")

    def program(self, name: str, script: str) -> None:
        """Put a program on the machine's PATH."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    @property
    def stamp(self) -> Path:
        return self.environment / ".visual-rft-setup"

    def refusal(self, *arguments: str, **variables: str) -> str:
        """Set up, and return the one line with which that is refused."""
        environment = {
            "PATH": f"{self.programs}:{self.environment / 'bin'}:/usr/bin:/bin",
            "VIRTUAL_ENV": str(self.environment),
            "HOME": str(self.folder),
            "PIP_CONFIG_FILE": os.devnull,
            "UV_NO_CACHE": "1",
        }
        command = ["bash", str(self.folder / "scripts" / "setup.sh"), *arguments]
        run = subprocess.run(command, env=environment | variables, capture_output=True, text=True, check=False)
        assert run.returncode == 2, run.stdout + run.stderr
        (line,) = run.stderr.splitlines()
        assert line.startswith("setup.sh: ")
        assert "Remedy: " in line
        return line


@pytest.fixture
def clone(tmp_path) -> Clone:
    """A clone with an environment that has pip and uv."""
    clone = Clone(tmp_path)
    clone.borrow("pip")
    clone.borrow("uv")
    (clone.environment / "bin" / "uv").symlink_to(Path(sysconfig.get_path("scripts")) / "uv")
    return clone


@pytest.mark.parametrize(
    ("programs", "variables", "says"),
    [
        ({}, {}, "no nvidia-smi on PATH"),
        ({"nvidia-smi": "echo 'No devices were found'; exit 6"}, {}, "nvidia-smi finds no GPU: No devices were found"),
        ({"nvidia-smi": "echo 570.86.15"}, {}, "driver 570.86.15 is too old: CUDA 13.0"),
        ({"nvidia-smi": "echo 580.65.06"}, {"CUDA_HOME": "/nowhere"}, "there is no /nowhere/bin/nvcc"),
        (GPU | {"nvcc": "echo 'Cuda compilation tools, release 12.8, V12.8.93'"}, {}, "nvcc is of CUDA 12.8"),
        (GPU, {"CXX": "no-such-compiler"}, "no C++ compiler no-such-compiler"),
        (GPU | {"awk": "echo 6000000000"}, {"CXX": "sh"}, "flash-attn's build needs 9 GiB of memory, available are 5"),
    ],
)
def test_a_machine_that_cannot_run_or_build_for_gpus(clone, programs, variables, says):
    for name, script in programs.items():
        clone.program(name, script)
    assert says in clone.refusal("gpu", **variables)
    assert not clone.stamp.exists()
    assert not (clone.folder / "logs").exists()


def test_flash_attn_that_is_installed_needs_no_compiler(clone):
    clone.program("nvidia-smi", "echo 580.65.06")
    clone.install("flash_attn", "2.8.3")
    with Index(404) as index:
        assert "torch" in clone.refusal("gpu", CUDA_HOME="/nowhere", PIP_INDEX_URL=index)


@pytest.mark.parametrize(
    ("device", "installed", "stamp", "says"),
    [
        ("cpu", {"torch": "2.5.0", "verl": "0.8.0"}, None, "torch 2.5.0 (here: 2.13.0), verl 0.8.0 (here: 0.9.1)"),
        ("gpu", {"torch": "2.13.0+cpu"}, None, "torch 2.13.0+cpu (here: 2.11.0)"),
        ("cpu", {"vllm": "0.24.0"}, "of an earlier set-up for GPUs", "vllm 0.24.0 (here: none)"),
    ],
)
def test_an_environment_with_other_versions_stays_as_it_is(clone, device, installed, stamp, says):
    for package, version in installed.items():
        clone.install(package, version)
    if stamp:
        clone.stamp.write_text(stamp)
    before = sorted(clone.environment.rglob("*"))
    assert says in clone.refusal(device)
    assert sorted(clone.environment.rglob("*")) == before
    assert not stamp or clone.stamp.read_text() == stamp


class Index:
    """An index on this machine that answers every question with the same HTTP status; without one, never."""

    def __init__(self, status: int | None) -> None:
        self.status, self.asked = status, []

    def __enter__(self) -> str:
        index = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.append(self.path)
                self.send_error(index.status)

            def log_message(self, *arguments: object) -> None:
                pass

        if self.status is None:
            self.server = socket.create_server(("127.0.0.1", 0))
            port = self.server.getsockname()[1]
        else:
            self.server = HTTPServer(("127.0.0.1", 0), Answer)
            threading.Thread(target=self.server.serve_forever, daemon=True).start()
            port = self.server.server_port
        return f"http://127.0.0.1:{port}/simple"

    def __exit__(self, *error: object) -> None:
        if isinstance(self.server, HTTPServer):
            self.server.shutdown()
            self.server.server_close()
        else:
            self.server.close()


@pytest.fixture
def closed_port() -> Iterator[str]:
    with socket.socket() as bound:  # and not listening
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/simple"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (404, "torch was not found in the package registry"),
        (403, "403 Forbidden"),
        (503, "503 Service Unavailable"),
        (None, "operation timed out"),
    ],
)
def test_an_index_that_does_not_answer_uv(clone, status, says):
    with Index(status) as url:
        assert says in clone.refusal("cpu", PIP_INDEX_URL=url, UV_HTTP_TIMEOUT="1")
    assert clone.stamp.read_text() == "unfinished\n"


@pytest.mark.parametrize(("status", "says"), [(404, "404 Client Error"), (503, "too many 503 error responses")])
def test_an_index_that_has_no_uv(clone, status, says):
    clone.without_uv()
    with Index(status) as url:
        line = clone.refusal("cpu", PIP_INDEX_URL=url)
    assert "pip cannot install uv==" in line
    assert says in line


def test_an_index_that_pip_does_not_trust(clone):
    """By http, and not on this machine: pip asks it nothing, and goes on to say that there is no such version."""
    clone.without_uv()
    line = clone.refusal("cpu", PIP_INDEX_URL="http://192.0.2.1/simple")
    assert "The repository located at 192.0.2.1 is not a trusted or secure host. Remedy: name its https address" in line


@pytest.mark.parametrize("has_uv", [True, False])
def test_an_index_that_cannot_be_reached(clone, closed_port, has_uv):
    if not has_uv:
        clone.without_uv()
    assert "Connection refused" in clone.refusal("cpu", PIP_INDEX_URL=closed_port)


@pytest.mark.parametrize("section", ["global", "install"])
def test_uv_asks_the_indexes_of_pips_configuration(clone, section):
    """A mirror of one's own is named there, and nowhere else."""
    mirror, extra = Index(404), Index(404)
    with mirror as url, extra as other:
        configuration = clone.folder / "pip.conf"
        configuration.write_text(f"[{section}]\nindex-url = {url}\nextra-index-url =\n    {other}\n    {url}/more\n")
        clone.refusal("cpu", PIP_CONFIG_FILE=str(configuration))
    assert set(mirror.asked) == {"/simple/torch/", "/simple/more/torch/"}
    assert set(extra.asked) == {"/simple/torch/"}


@pytest.mark.parametrize(
    ("damage", "is_forgotten"),
    [
        (lambda package: None, False),
        (lambda package: (package / "code.py").unlink(), True),
        (lambda package: (package / "code.py").write_text("import"), True),
        (lambda package: (package / "code.py").write_text("import sys  # and a line of this company"), False),
        (lambda package: (package / "code.pyc").unlink(), False),
        (lambda package: (package.parent / "package-1.0.dist-info" / "RECORD").unlink(), True),
    ],
    ids=["whole", "missing", "cut short", "added to", "no byte code", "no record"],
)
def test_what_an_interrupted_installation_left_is_not_taken_for_installed(tmp_path, damage, is_forgotten):
    clone = Clone(tmp_path)
    package = clone.packages / "package"
    package.mkdir()
    (package / "code.py").write_text("import sys")
    (package / "code.pyc").write_text("")
    clone.install("package", "1.0")
    metadata = clone.packages / "package-1.0.dist-info"
    (metadata / "RECORD").write_text("package/code.py,,10\npackage/code.pyc,,\npackage-1.0.dist-info/METADATA,,\n")
    damage(package)
    command = [clone.environment / "bin" / "python", ROOT / "scripts" / "setup" / "forget_partial.py"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert metadata.exists() is not is_forgotten
    assert ("package-1.0 is incomplete" in run.stdout) is is_forgotten


@pytest.mark.parametrize(
    ("is_of_setup", "runs"), [(True, "setup.sh cpu"), (False, "visual-rft doctor --quick --device cpu")]
)
def test_recipes_keep_an_environment_that_somebody_else_has_installed(tmp_path, is_of_setup, runs):
    clone = Clone(tmp_path)
    (clone.folder / "scripts" / "setup.sh").write_text('echo "setup.sh $1"')
    clone.program("visual-rft", 'echo "visual-rft $*"')
    if is_of_setup:
        clone.stamp.write_text("unfinished")
    command = f"source {ROOT}/recipes/common.sh; use_environment cpu"
    path = f"{clone.programs}:{clone.environment / 'bin'}:/usr/bin:/bin"
    environment = {"PATH": path, "VIRTUAL_ENV": str(clone.environment)}
    run = subprocess.run(["bash", "-c", command], cwd=clone.folder, env=environment, capture_output=True, text=True)
    assert run.stdout == f"{runs}\n", run.stderr
