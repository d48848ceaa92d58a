# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Position ids of a response: those of its prompt, continued, instead of computed anew about the picture."""

from __future__ import annotations

from typing import Any


def extend_position_ids(positions: Any, tokens: int) -> Any:
    """Return position ids of a prompt and the text after it.

    A response is text, for the sampler cannot emit picture tokens; in every Qwen-VL model text goes on after the
    largest position so far, equally over time, height and width (``get_rope_index`` of transformers).

    Args:
        positions: Of the prompt: ``(1, 4, length)``, veRL's text row first, or ``(1, length)`` for models without such.
        tokens: Of the response.

    Example:
        >>> import torch
        >>> text, time, height, width = [0, 1, 2, 3], [0, 1, 1, 2], [0, 1, 1, 2], [0, 1, 2, 3]
        >>> extend_position_ids(torch.tensor([[text, time, height, width]]), 2)[0].tolist()
        [[0, 1, 2, 3, 4, 5], [0, 1, 1, 2, 4, 5], [0, 1, 1, 2, 4, 5], [0, 1, 2, 3, 4, 5]]
    """
    import torch

    after = torch.arange(1, tokens + 1, dtype=positions.dtype)
    if positions.dim() == 2:
        return torch.cat([positions, positions[:, -1:] + after], dim=-1)
    text, vision = positions[:, :1], positions[:, 1:]
    continued_text = text[..., -1:] + after
    continued_vision = (vision.amax() + after).expand(1, vision.shape[1], tokens)
    return torch.cat([positions, torch.cat([continued_text, continued_vision], dim=1)], dim=-1)
