# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`visual-rft doctor`: shows that this environment can train, or what to do so that it can."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rich.text import Text

from verl_visual_rft.doctor import machine, plugins, versions
from verl_visual_rft.doctor.finding import Finding, Status
from verl_visual_rft.errors import UserError
from verl_visual_rft.terminal import make_console

Check = Callable[[str], Finding]

CHECKS: tuple[Check, ...] = (
    *(versions.check_python, versions.check_packages, versions.check_upstream),
    *(plugins.check_torchvision, plugins.check_media, plugins.check_verl_plugin, plugins.check_vllm_plugin),
    *(plugins.check_device, plugins.check_rewards, plugins.check_tasks),
    *(machine.check_shared_memory, machine.check_disk, machine.check_memory, machine.check_encoding),
    *(machine.check_fonts, machine.check_ports, machine.check_ray),
)
SLOW_CHECKS = (machine.check_ray,)
STYLE = {Status.OK: "green", Status.WARNING: "yellow", Status.FAIL: "bold red"}


def run(device: str, quick: bool = False) -> int:
    """Make every check, print a line for each, and say what to do about those that fail.

    Args:
        device: "cpu", "cuda", or "auto" (cuda where PyTorch sees such a device).
        quick: leave out the start of a Ray cluster.

    Returns:
        Exit status: 1 when a check failed, else 0; warnings do not count.

    Raises:
        UserError: there is no such device.
    """
    if device not in ("auto", *versions.EXTRA):
        raise UserError(f"no device {device!r}. Remedy: one of auto, {', '.join(versions.EXTRA)}")
    console = make_console()
    checks = [check for check in CHECKS if not (quick and check in SLOW_CHECKS)]
    with ThreadPoolExecutor() as pool:
        if device == "auto":
            device = plugins.detect_device()
        findings = [pool.submit(check, device) for check in checks]
        for finding in findings:
            console.print(_line(finding.result()), soft_wrap=True)
    failed = sum(finding.result().status is Status.FAIL for finding in findings)
    console.print(f"{failed} of {len(checks)} checks failed" if failed else f"ready to train on {device}")
    return 1 if failed else 0


def _line(finding: Finding) -> Text:
    line = Text.assemble((f"{finding.status.value:9}", STYLE[finding.status]), f"{finding.check:15}{finding.detail}")
    if finding.remedy:
        line.append(f"\n{'':24}remedy: {finding.remedy}")
    return line
