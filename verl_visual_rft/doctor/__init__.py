# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`visual-rft doctor`: shows that this environment can train, or what to do so that it can."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rich.text import Text

from verl_visual_rft.doctor.finding import Finding, Status
from verl_visual_rft.doctor.machine import (
    check_disk,
    check_encoding,
    check_fonts,
    check_memory,
    check_ports,
    check_ray,
    check_shared_memory,
)
from verl_visual_rft.doctor.plugins import (
    check_device,
    check_media,
    check_rewards,
    check_tasks,
    check_torchvision,
    check_verl_plugin,
    check_vllm_plugin,
    detect_device,
)
from verl_visual_rft.doctor.upstream import check_upstream
from verl_visual_rft.doctor.versions import EXTRA, check_packages, check_python
from verl_visual_rft.errors import UserError
from verl_visual_rft.terminal import make_console

Check = Callable[[str], Finding]

CHECKS: tuple[Check, ...] = (
    check_python,
    check_packages,
    check_upstream,
    check_torchvision,
    check_media,
    check_verl_plugin,
    check_vllm_plugin,
    check_device,
    check_rewards,
    check_tasks,
    check_shared_memory,
    check_disk,
    check_memory,
    check_encoding,
    check_fonts,
    check_ports,
    check_ray,
)
SLOW_CHECKS = (check_ray,)
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
    if device not in ("auto", *EXTRA):
        raise UserError(f"no device {device!r}. Remedy: one of auto, {', '.join(EXTRA)}")
    console = make_console()
    checks = [check for check in CHECKS if not (quick and check in SLOW_CHECKS)]
    with ThreadPoolExecutor() as pool:
        if device == "auto":
            device = detect_device()
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
