# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Lengths of prompts in tokens, as veRL will send them.

The visual tokens follow from the picture's size alone, by arithmetic. The text's tokens are counted by the model's own
tokenizer and chat template: an estimate would refuse the wrong rows. Without a tokenizer they stay unknown.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from verl_visual_rft.chat_templates import try_template
from verl_visual_rft.coordinates import Family, Size, model_size
from verl_visual_rft.errors import UserError

_PICTURE = "<|image_pad|>"


def image_tokens(size: Size, family: Family, min_pixels: int, max_pixels: int) -> int:
    """Return the number of visual tokens of a picture.

    One token covers ``factor * factor`` pixels of the picture as the model sees it (`coordinates.model_size`).

    Raises:
        ValueError: The picture is too long for the model, see `coordinates.smart_resize`.

    Example:
        >>> from verl_visual_rft.coordinates import FAMILIES
        >>> image_tokens((640, 480), FAMILIES["qwen2-vl"], min_pixels=3136, max_pixels=401408)
        391
    """
    width, height = model_size(size, family, min_pixels, max_pixels)
    return width // family.factor * (height // family.factor)


class TextTokens:
    """Counts the tokens of a prompt beside its picture's: the user's text and all that the chat template adds."""

    def __init__(self, folder: Path) -> None:
        """Load the tokenizer of a model.

        Raises:
            UserError: transformers is not installed, the folder holds no tokenizer, or its chat template shows no
                picture.
        """
        self._tokenizer = _load(folder)
        self.count = lru_cache(maxsize=4096)(self._count)  # most rows ask one of a few questions
        self._folder = folder
        try_template(lambda: self._render(""), folder)
        self.count("")

    def _render(self, text: str) -> str:
        chat = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}]
        rendered: str = self._tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        return rendered

    def _count(self, text: str) -> int:
        try:
            rendered = self._render(text)
        except Exception as error:  # whatever a template of another's making raises
            raise UserError(f"the chat template in {self._folder} failed: {error}") from error
        if rendered.count(_PICTURE) != 1:
            raise UserError(f"the chat template in {self._folder} shows no picture; give the folder of a Qwen-VL model")
        return len(self._tokenizer(rendered)["input_ids"]) - 1


def _load(folder: Path) -> Any:
    if not folder.is_dir():
        raise UserError(f"--tokenizer {folder} is not a folder; give the folder of the model")
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise UserError("--tokenizer needs transformers: pip install transformers") from error
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers raises many types for a folder without a tokenizer
        raise UserError(f"{folder} holds no tokenizer that transformers can read: {error}") from error
    if not tokenizer.chat_template:
        raise UserError(f"{folder} holds no tokenizer with a chat template; give the folder of an instruct model")
    return tokenizer
