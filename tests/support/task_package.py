# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The package that ``visual-rft task new`` writes, laid on the path, perhaps with one thing wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from verl_visual_rft.tasks import registry
from verl_visual_rft.tasks.new import write_package
from verl_visual_rft.tasks.registry import GROUP

#: No other test has this name, for modules are imported once a process.
COUNT = iter(range(1_000_000))


def lay_task(
    folder: Path, monkeypatch: pytest.MonkeyPatch, changes: Mapping[str, str] | None = None, name: str = ""
) -> str:
    """Lay the package on the path, with texts of its module replaced, and return the name of its task."""
    name = name or f"own_task_{next(COUNT)}"
    package = write_package(name, folder / name)
    module = package / f"{name}.py"
    text = module.read_text(encoding="utf-8")
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    module.write_text(text, encoding="utf-8")
    kind = "".join(part.capitalize() for part in name.split("_"))
    metadata = package / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {name}:{kind}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(package)
    registry._discover.cache_clear()  # writing the package has asked which names are taken
    return name
