# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rewards of another package, as an installation of it would lie in a folder of ``sys.path``."""

from pathlib import Path

from verl_visual_rft.rewards.registry import GROUP

#: Rewards that fail as rewards do that were tried on two responses.
FAILING = '''
import re
calls = 0

def raises(response, extra_info):
    """Raises on one response in three."""
    global calls
    calls += 1
    if calls % 3 == 0:
        raise KeyError("no such colour")
    return 0.25

def backtracks(response):
    """Never returns, and holds the interpreter's lock."""
    return float(bool(re.match(r"(a+)+$", "a" * 60 + "b")))

def huge():
    """Finite, but not its gradient: one response in three earns what float32 can just hold."""
    global calls
    calls += 1
    return 3e38 if calls % 3 == 0 else 0.0
'''


def write_package(folder: Path, name: str, source: str, *rewards: str) -> Path:
    """Write a package of one module whose functions ``rewards`` are entry points; return ``folder``."""
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / f"{name}.py").write_text(source)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    points = "".join(f"{reward} = {name}:{reward}\n" for reward in rewards)
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{points}")
    return folder
