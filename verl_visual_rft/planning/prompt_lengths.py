# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Lengths of prompts that were not counted when the data were prepared."""

from __future__ import annotations

from pathlib import Path

from verl_visual_rft.datasets.stored_rows import extra, read_rows
from verl_visual_rft.datasets.tokens import TextTokens
from verl_visual_rft.prompts import PLACEHOLDER


def longest_prompt(file: Path, model: Path) -> tuple[int, int] | None:
    """Return the length of the longest prompt of a file, in tokens, and its row.

    Pictures are not read: their tokens are in ``extra_info.image_tokens``. Rows without it, other people's, are passed
    over.

    Args:
        file: Parquet file of rows as `data_prep/` writes them.
        model: Folder with the tokenizer that the prompts will meet.

    Returns:
        None if no row says how many tokens its picture has.

    Raises:
        UserError: The file cannot be read, or the folder holds no tokenizer with a chat template.
    """
    text_tokens = None
    longest = None
    for number, row in enumerate(read_rows(file, ("prompt", "extra_info"))):
        visual: int | None = extra(row, "image_tokens")
        chat: list[dict[str, str]] = row.get("prompt") or []
        if visual is None or len(chat) != 1:
            continue
        text_tokens = text_tokens or TextTokens(model)
        tokens = visual + text_tokens.count(PLACEHOLDER.sub("", chat[0]["content"], count=1))
        longest = max(longest or (0, 0), (tokens, number))
    return longest
