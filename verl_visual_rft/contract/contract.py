# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Reading the contract, comparing it with what is installed, and recording that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from verl_visual_rft import atomic
from verl_visual_rft.contract.source import fingerprint, installed

CONTRACT = Path(__file__).with_name("contract.yaml")
_HEAD = """\
# Read verl_visual_rft/contract/__init__.py first. After a look at what is different, and at our places that rely on it:
# `python -m verl_visual_rft.contract --record`, in each environment that shall be known.
"""
#: In place of a hash: versions that have no such symbol, which our place takes into account.
ABSENT = "absent"
#: What a place of ours does with a symbol; described: our text says how it works.
HOWS = ("patched", "overridden", "registered", "called", "copied", "described")


@dataclass(frozen=True)
class Symbol:
    """A symbol of the upstream that this package relies on.

    Attributes:
        name: ``module:name``.
        by: Places of ours, ``module:name`` below `verl_visual_rft`, and what they do with it: one of `HOWS`.
        seen: Hash of the source, or `ABSENT` -> versions of which that is true, which somebody has looked at.
    """

    name: str
    by: Mapping[str, str]
    seen: Mapping[str, tuple[str, ...]]

    @property
    def package(self) -> str:
        """The package that it is of."""
        return self.name.partition(":")[0].partition(".")[0]

    @property
    def versions(self) -> tuple[str, ...]:
        """All versions that have the symbol and have been looked at."""
        return tuple(version for digest, versions in self.seen.items() if digest != ABSENT for version in versions)


@dataclass(frozen=True)
class Difference:
    """A symbol whose source, as it is installed, nobody has looked at.

    Attributes:
        symbol: The symbol.
        installed: Its package and version.
        gone: Whether there is no such symbol any more.
    """

    symbol: Symbol
    installed: str
    gone: bool

    @property
    def changes(self) -> bool:
        """Whether a place of ours uses or changes the symbol itself, and does not just work in its manner."""
        return not set(self.symbol.by.values()) <= {"copied", "described"}

    def __str__(self) -> str:
        """Say what is different, and which places of ours rely on it."""
        known = ", ".join(self.symbol.versions)
        what = f"is gone from {self.installed}, and was in" if self.gone else f"is another in {self.installed} than in"
        places = ", ".join(f"{how} by {place}" for place, how in self.symbol.by.items())
        return f"{self.symbol.name} {what} {known}: {places}"


def load(file: Path = CONTRACT) -> list[Symbol]:
    """Read the contract."""
    entries: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return [
        Symbol(name, dict(entry["by"]), {digest: tuple(versions) for digest, versions in entry["seen"].items()})
        for name, entry in entries.items()
    ]


def compare(symbols: list[Symbol]) -> list[Difference]:
    """Return what is different in this environment; packages that are not installed are passed over."""
    found = []
    for symbol in symbols:
        version = installed(symbol.package)
        if version is None:
            continue
        digest = fingerprint(symbol.name)
        known = version in symbol.seen.get(ABSENT, ()) if digest is None else digest in symbol.seen
        if not known:
            found.append(Difference(symbol, version, digest is None))
    return found


def known_versions(symbols: list[Symbol]) -> list[str]:
    """Return the versions that the contract knows, sorted."""
    return sorted({version for symbol in symbols for version in symbol.versions})


def record(symbols: list[Symbol], file: Path = CONTRACT) -> None:
    """Write the contract with what is installed here as seen; symbols that are gone stay as they are."""
    entries = {}
    for symbol in sorted(symbols, key=lambda symbol: symbol.name):
        seen = {digest: set(versions) for digest, versions in symbol.seen.items()}
        version, digest = installed(symbol.package), fingerprint(symbol.name) or ABSENT
        if version is not None and (digest != ABSENT or ABSENT in seen):
            seen.setdefault(digest, set()).add(version)
        entries[symbol.name] = {
            "by": dict(sorted(symbol.by.items())),
            "seen": {digest: sorted(versions) for digest, versions in sorted(seen.items())},
        }
    text = yaml.safe_dump(entries, sort_keys=False, width=200, default_flow_style=None)
    atomic.write_text(file, _HEAD + text)
