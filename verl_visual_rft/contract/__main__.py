# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Say what is different from the contract in this environment, or record it.

python -m verl_visual_rft.contract             exit status 1 where something is different
python -m verl_visual_rft.contract --record    somebody has looked at it: it is known from now on
"""

from __future__ import annotations

import argparse
import sys

from verl_visual_rft.contract.contract import compare, known_versions, load, record
from verl_visual_rft.terminal import say


def main() -> int:
    """Parse the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m verl_visual_rft.contract",
        description="What this package relies on of veRL, vLLM, Ray and others, and what of it is different here.",
    )
    parser.add_argument("--record", action="store_true", help="take what is installed here as looked at")
    options = parser.parse_args()
    symbols = load()
    differences = compare(symbols)
    for difference in differences:
        say(difference)
    if options.record:
        record(symbols)
        gone = sum(difference.gone for difference in differences)
        say(f"recorded; {gone} symbols are gone and stay as they were" if gone else "recorded")
        return 0
    say(f"{len(differences)} of {len(symbols)} symbols differ; known are {', '.join(known_versions(symbols))}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
