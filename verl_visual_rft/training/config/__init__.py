# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Hydra's configuration of veRL's trainers; ``pkg://verl_visual_rft.training.config``.

Importing it, as Hydra does and the trainer, registers what its files compute with:
``${visual_rft.tokens_of:4,1024,512}`` is 4 sequences of 1024 + 512 tokens.
"""

from __future__ import annotations

from omegaconf import OmegaConf


def tokens_of(sequences: int, *lengths: int) -> int:
    """Tokens of so many sequences whose parts have these lengths.

    Example:
        >>> tokens_of(4, 1024, 512)
        6144
    """
    return sequences * sum(lengths)


OmegaConf.register_new_resolver("visual_rft.tokens_of", tokens_of, replace=True)
