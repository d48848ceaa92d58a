# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from importlib.util import find_spec

import pytest

from verl_visual_rft import doctor
from verl_visual_rft.doctor import machine, plugins, versions
from verl_visual_rft.doctor.finding import Status, fail, ok, run_python, warning
from verl_visual_rft.doctor.repair import HOOK_NAME, MISSING_SCHEMA, repair_torchvision
from verl_visual_rft.doctor.versions import compare_pins
from verl_visual_rft.errors import UserError

needs_verl = pytest.mark.skipif(find_spec("verl") is None, reason="veRL is not installed")
needs_vllm = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that makes a distribution with the given requirements visible to `importlib.metadata`."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, version: str, *requirements: str) -> None:
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requirements]
        (folder / "METADATA").write_text("\n".join(lines) + "\n")

    return write


@pytest.mark.parametrize(
    ("requirement", "version", "expected"),
    [
        ("vvlib>=2", "2.1", []),
        ("vvlib==2.13.0", "2.13.0+cpu", []),
        ("vvlib==2.13.0+cpu", "2.13.0", []),
        ("vvlib==2.13.0+cpu", "2.12.0", ["vvlib 2.12.0 breaks vvlib==2.13.0+cpu of vvapp"]),
        ("vvlib>=2; extra == 'cpu'", "2.0", []),
        ("vvlib>=0.9.1,<0.10", "0.8.0", ["vvlib 0.8.0 breaks vvlib<0.10,>=0.9.1 of vvapp"]),
        ("vvlib==1; extra == 'cpu'", "2.0", ["vvlib 2.0 breaks vvlib==1 of vvapp"]),
        ("vvlib==1; extra == 'gpu'", "2.0", []),
        ("vvlib==1; python_version < '3'", "2.0", []),
        ("vvother>=1", "2.0", ["not installed: vvother"]),
        ("torchcodec", "2.0", []),
        ("setuptools==0.1", "2.0", []),
    ],
)
def test_pins_that_are_not_met(install, requirement, version, expected):
    install("vvlib", version)
    install("vvapp", "1.0", requirement)
    if requirement == "torchcodec" and find_spec("torchcodec"):
        pytest.skip("torchcodec works here")
    assert compare_pins("vvapp", "cpu") == (expected, [])


def test_pins_of_own_extras_and_one_level_of_others(install):
    install("vvapp", "1.0", "vvapp[eval]; extra == 'cpu'", "vvlib[all]; extra == 'eval'")
    install("vvlib", "1.0", "vvdeep<2; extra == 'all'", "vvunused==9; extra == 'none'")
    install("vvdeep", "2.5")
    assert compare_pins("vvapp", "cpu") == (["vvdeep 2.5 breaks vvdeep<2 of vvlib"], [])
    assert compare_pins("vvapp", "gpu") == ([], [])


@pytest.mark.parametrize(
    ("requirements", "needed_by_vvlib", "broken", "untested"),
    [
        (["vvtorch==2"], [], [], ["vvtorch 3.0 breaks vvtorch==2 of vvapp"]),
        (["vvtorch==2", "vvlib"], ["vvtorch==2.0"], ["vvtorch 3.0 breaks vvtorch==2.0 of vvlib"], []),
        (["vvtorch<3"], [], ["vvtorch 3.0 breaks vvtorch<3 of vvapp"], []),
        (["verl==0.0.1"], [], ["verl 9.9 breaks verl==0.0.1 of vvapp"], []),
    ],
    ids=["another version than the tested", "that another package cannot run with", "beyond a bound", "another veRL"],
)
def test_an_exact_pin_of_our_own_says_what_was_tested(
    install, monkeypatch, requirements, needed_by_vvlib, broken, untested
):
    monkeypatch.setattr(versions, "TESTERS", ("vvapp",))
    install("vvtorch", "3.0")
    install("verl", "9.9")
    install("vvlib", "1.0", *needed_by_vvlib)
    install("vvapp", "1.0", *requirements)
    assert compare_pins("vvapp", "cpu") == (broken, untested)
    monkeypatch.setattr(versions, "PACKAGE", "vvapp")
    assert versions.check_packages("cpu").status is (Status.FAIL if broken else Status.WARNING)


@pytest.mark.parametrize(
    ("code", "answer", "error"),
    [
        ("print(1); print(2)", "2", ""),
        ("import sys; print(sys.argv[1])", "given", ""),
        ("import vv_no_such_module", "", "ModuleNotFoundError: No module named 'vv_no_such_module'"),
        ("import os; os._exit(3)", "", "exit status 3"),
    ],
)
def test_run_python(code, answer, error):
    process = run_python(code, "given")
    assert (process.answer, process.error) == (answer, error)


def test_run_python_ends_a_process_that_hangs(monkeypatch):
    monkeypatch.setattr("verl_visual_rft.doctor.finding.PROCESS_TIMEOUT_S", 0.5)
    assert "no answer within" in run_python("import time; time.sleep(60)").error


@pytest.mark.parametrize(
    ("findings", "status"),
    [
        ([ok("a", "fine")], 0),
        ([ok("a", "fine"), warning("b", "tight", "mind it")], 0),
        ([fail("a", "broken", "mend it"), ok("b", "fine")], 1),
    ],
)
def test_run_prints_a_line_a_check_and_returns_the_status(monkeypatch, capsys, findings, status):
    monkeypatch.setattr(doctor, "CHECKS", [lambda device, finding=finding: finding for finding in findings])
    assert doctor.run("cpu") == status
    printed = capsys.readouterr().out
    for finding in findings:
        assert finding.status.value in printed
        assert finding.detail in printed
        assert finding.remedy in printed


def test_unknown_device_is_the_users_error():
    with pytest.raises(UserError, match="'tpu'.*auto, cpu, cuda"):
        doctor.run("tpu")


def test_quick_leaves_ray_out(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "CHECKS", [machine.check_encoding, machine.check_ray])
    assert doctor.run("cpu", quick=True) == 0
    assert "Ray" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("environment", "status"),
    [
        ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, "FAIL"),
        ({"LC_ALL": "C", "PYTHONUTF8": "1"}, "ok"),
    ],
)
def test_encoding(environment, status):
    ask = "from verl_visual_rft.doctor.machine import check_encoding; print(check_encoding('cpu').status.value)"
    assert run_python(ask, **environment).answer == status


def test_disk_says_how_much_is_free_and_needed(monkeypatch):
    assert machine.check_disk("cpu").status is Status.OK
    monkeypatch.setattr(machine, "DISK_GIB", 10**9)
    short = machine.check_disk("cpu")
    assert short.status is Status.FAIL
    assert re.search(r"GiB free in /.*, needed are 1000000000 GiB", short.detail)
    assert "TMPDIR" in short.remedy


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_ray_needs_a_short_temporary_folder(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 60)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    finding = machine.check_ray("cpu")
    assert finding.status is Status.FAIL
    assert "TMPDIR" in finding.remedy
    assert list(long.iterdir()) == []


@pytest.mark.long  # every set-up starts Ray so: doctor is its last step
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_ray_starts_and_leaves_nothing(tmp_path, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="vv") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        finding = machine.check_ray("cpu")
        assert finding.status is Status.OK, finding.detail
        processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert short not in processes


@pytest.mark.long
@needs_verl
def test_a_verl_plugin_that_is_not_loaded_is_found_in_a_fresh_process(monkeypatch):
    """That one that is loaded is `ok` every set-up shows: doctor is its last step."""
    monkeypatch.setenv("VERL_USE_EXTERNAL_PLUGINS", "none")
    finding = plugins.check_verl_plugin("cpu")
    assert finding.status is Status.FAIL
    assert "VERL_USE_EXTERNAL_PLUGINS" in finding.detail


@pytest.mark.long
@needs_verl
@needs_vllm
def test_a_vllm_plugin_that_is_not_loaded_is_found_in_a_fresh_process(monkeypatch):
    monkeypatch.setenv("VLLM_PLUGINS", "")
    finding = plugins.check_vllm_plugin("cpu")
    assert finding.status is Status.FAIL
    assert "VLLM_PLUGINS" in finding.detail


def test_a_reward_that_cannot_be_used_is_a_warning_that_names_it(install, tmp_path, monkeypatch):
    assert plugins.check_rewards("cpu") == ok("rewards", "all can be loaded")
    for package in ("vvfirst", "vvsecond"):
        install(package, "1.0")
        points = tmp_path / f"{package}-1.0.dist-info" / "entry_points.txt"
        points.write_text("[verl_visual_rft.rewards]\nmine = vv_no_such_module:Reward\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    finding = plugins.check_rewards("cpu")
    assert finding.status is Status.WARNING
    assert "more than one package names a reward 'mine': vvfirst and vvsecond" in finding.detail


def test_a_reward_that_needs_another_package_is_no_reason_to_uninstall_one(monkeypatch):
    hidden = "import sys\nsys.modules['math_verify'] = None\n"
    monkeypatch.setattr(plugins, "ASK_UNUSABLE", hidden + plugins.ASK_UNUSABLE)
    finding = plugins.check_rewards("cpu")
    assert finding.status is Status.WARNING and finding.detail.endswith("pip install 'math-verify[antlr4_9_3]'")
    assert finding.remedy == "run that command if you need what it is for; the other rewards can be used"


IMPORT_TORCHVISION_WITHOUT_SITE = """
import sys
sys.path += [{packages!r}, {root!r}]  # under -S no .pth file of the environment has run
{first}
import torchvision
"""


@pytest.mark.long
@pytest.mark.skipif(find_spec("torchvision") is None, reason="torchvision is not installed")
def test_schemas_mend_a_torchvision_built_for_another_torch(pytestconfig):
    def run(first: str) -> subprocess.CompletedProcess[str]:
        packages, root = sysconfig.get_path("purelib"), str(pytestconfig.rootpath)
        code = IMPORT_TORCHVISION_WITHOUT_SITE.format(packages=packages, root=root, first=first)
        return subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False)

    plain = run("")
    if plain.returncode == 0:
        pytest.skip("torchvision matches torch here")
    assert MISSING_SCHEMA in plain.stderr
    mended = run("import verl_visual_rft.doctor.torchvision_schemas; assert 'torch' not in sys.modules")
    assert mended.returncode == 0, mended.stderr


@pytest.mark.long  # every set-up asks it so
@pytest.mark.skipif(find_spec("torchvision") is None, reason="torchvision is not installed")
def test_repair_leaves_a_working_torchvision_alone_and_removes_a_stale_hook(tmp_path):
    (tmp_path / f"{HOOK_NAME}.py").write_text("")
    (tmp_path / f"{HOOK_NAME}.pth").write_text(f"import {HOOK_NAME}\n")
    assert repair_torchvision(tmp_path) == "torchvision: imports, left alone"
    assert list(tmp_path.iterdir()) == []
