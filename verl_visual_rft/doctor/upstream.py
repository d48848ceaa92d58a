# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Is what this package changes of veRL, vLLM and others there, and as somebody has looked at it?"""

from __future__ import annotations

from verl_visual_rft.contract import compare, known_versions, load
from verl_visual_rft.contract.source import installed
from verl_visual_rft.doctor.finding import Finding, fail, ok, warning

_INDENT = f"\n{'':24}"


def check_upstream(device: str) -> Finding:
    """Are the symbols that this package relies on those of a version that is known?"""
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
