# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What this package relies on of its upstream beyond public interfaces: symbol by symbol, each with its source's hash.

``contract.yaml`` names every symbol of veRL, vLLM, Ray, transformers, TransferQueue and others that is patched,
overridden, copied, registered with, called although it is private, or whose working our texts describe, the places of
ours that do so, and the versions that somebody has looked at. `visual-rft doctor` and a test say which of them are
different here, or gone; ``python -m verl_visual_rft.contract`` says it too, and records what is installed. What a test
finds to be missing is added by hand, with ``seen: {}``, and recorded; a symbol that some versions have, with the others
under ``absent``.
"""

from verl_visual_rft.contract.contract import Difference, Symbol, compare, known_versions, load, record

__all__ = ["Difference", "Symbol", "compare", "known_versions", "load", "record"]
