# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Do veRL and vLLM load this package, on the right device, and it the rewards? Each in a process of its own."""

from __future__ import annotations

import json

from verl_visual_rft.doctor.finding import Finding, fail, import_error, ok, run_python, warning
from verl_visual_rft.doctor.versions import UNINSTALLED_WHEN_BROKEN
from verl_visual_rft.training.run_mark import PLUGIN_MARK

PLUGIN = "verl_visual_rft.plugin"
REPAIR = "python -m verl_visual_rft.doctor.repair"
REINSTALL = "install the package where veRL is: bash scripts/setup.sh (or: pip install -e '.[cpu]')"

ASK_VERL = f"""
import verl, sys
plugin = sys.modules.get({PLUGIN!r})
if plugin is None:
    sys.exit("veRL did not load {PLUGIN}: its entry point is missing, or VERL_USE_EXTERNAL_PLUGINS excludes it")
if not plugin.REGISTERED:
    sys.exit("veRL loaded {PLUGIN}, which registered nothing")
print(len(plugin.REGISTERED), "extensions registered")
"""

ASK_VLLM = """
import sys
from vllm.plugins import load_general_plugins, load_plugins_by_group
if "visual_rft" not in load_plugins_by_group("vllm.general_plugins"):
    sys.exit("vLLM did not load it: its entry point is missing, or VLLM_PLUGINS excludes it")
load_general_plugins()
print("loaded and called")
"""

ASK_PLATFORM = """
import torch, verl
from verl.plugin.platform import get_platform
device = get_platform().device_name
if device == "cuda":
    count = torch.cuda.device_count()
    names = {torch.cuda.get_device_name(i) for i in range(count)}
    assert count, "CUDA is the platform, but no device is visible"
    print(f"{count} CUDA devices: {', '.join(names)}")
else:
    print(f"{device}, {torch.get_num_threads()} threads")
"""

ASK_UNUSABLE = """
import json
from verl_visual_rft.{what}.registry import unusable_{what}
print(json.dumps(unusable_{what}()))
"""


def check_verl_plugin(device: str) -> Finding:
    """Does `import verl` load the plug-in, and does the plug-in register?"""
    return _asked("veRL plug-in", ASK_VERL)


def check_vllm_plugin(device: str) -> Finding:
    """Does vLLM load the plug-in, and does calling it succeed?"""
    return _asked("vLLM plug-in", ASK_VLLM)


def _asked(what: str, question: str) -> Finding:
    process = run_python(question, **{PLUGIN_MARK: "1"})
    return fail(what, process.error, REINSTALL) if process.error else ok(what, process.answer)


def check_tasks(device: str) -> Finding:
    """Can every task of this and of other packages be loaded? One that cannot concerns only who asks for it."""
    return _loaded("tasks")


def check_rewards(device: str) -> Finding:
    """Can every reward of this and of other packages be loaded? One that cannot concerns only who asks for it."""
    return _loaded("rewards")


def _loaded(what: str) -> Finding:
    process = run_python(ASK_UNUSABLE.format(what=what))
    if process.error:
        return fail(what, process.error, REINSTALL)
    unusable = json.loads(process.answer)
    if unusable:
        if all(": pip install " in why for why in unusable.values()):  # see `PackageMissingError`
            remedy = f"run that command if you need what it is for; the other {what} can be used"
        else:
            remedy = f"mend or uninstall the package that names it; the other {what} can be used"
        return warning(what, "; ".join(unusable.values()), remedy)
    return ok(what, "all can be loaded")


def check_device(device: str) -> Finding:
    """Does veRL resolve the platform that the run asks for?"""
    process = run_python(ASK_PLATFORM, VERL_PLATFORM={"cpu": "cpu", "cuda": "nvidia"}[device])
    found = process.error or process.answer
    if process.error or device not in found.lower():
        remedy = {
            "cpu": REINSTALL,
            "cuda": "check that nvidia-smi lists the GPUs and CUDA_VISIBLE_DEVICES does not hide them; or DEVICE=cpu",
        }
        return fail("device", found, remedy[device])
    return ok("device", found)


def check_torchvision(device: str) -> Finding:
    """Does torchvision, which prepares the pictures for Qwen2-VL, import?"""
    error = import_error("torchvision")
    if error is None:
        return ok("torchvision", "imports")
    return fail("torchvision", error, REINSTALL if _is_absent(error) else REPAIR)


def check_media(device: str) -> Finding:
    """Is each package for sound and video absent, or does it import? vLLM dies of one that cannot load."""
    errors = {package: import_error(package) for package in UNINSTALLED_WHEN_BROKEN}
    broken = [f"{package}: {error}" for package, error in errors.items() if error and not _is_absent(error)]
    if broken:
        return fail("sound, video", "; ".join(broken), REPAIR)
    return ok("sound, video", ", ".join(f"{name} {'absent' if error else 'imports'}" for name, error in errors.items()))


def _is_absent(error: str) -> bool:
    return error.startswith("ModuleNotFoundError")


def detect_device() -> str:
    """Return "cuda" where PyTorch sees a CUDA device, else "cpu"."""
    process = run_python("import torch; print(torch.cuda.is_available())")
    return "cuda" if process.answer == "True" else "cpu"
