# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Greedy answers of a Qwen2-VL checkpoint through vLLM's offline engine, on GPUs or on a CPU.

A picture is decoded and resized as veRL does it for training rollouts (``qwen_vl_utils.fetch_image`` with the row's
``min_pixels`` and ``max_pixels``), so the model is judged on the pixels it was trained on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from verl_visual_rft.errors import UserError

# They stand for pixels and mean nothing in an answer; veRL bans them from rollouts too.
VISION_TOKENS = (
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)


@dataclass(frozen=True)
class Answer:
    """One generated response, its length in tokens and why it ended (``stop`` or ``length``)."""

    text: str
    tokens: int
    finish_reason: str


class VllmEngine:
    """A loaded checkpoint that answers parquet rows greedily.

    Args:
        model: Folder of a checkpoint in Hugging Face format, with its processor.
        max_tokens: Longest answer, in tokens.
        max_model_len: Longest prompt (visual tokens included) plus answer, in tokens.
        seed: vLLM's seed; greedy answers do not depend on it.
        dtype: ``auto`` is float32 on a CPU and bfloat16 elsewhere; or a name that vLLM knows.
    """

    def __init__(self, model: Path, *, max_tokens: int, max_model_len: int, seed: int, dtype: str) -> None:
        """Load the checkpoint; takes seconds to minutes and most of a GPU's memory."""
        # Before vLLM is imported: its log must not mix with what is printed for the user.
        os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
        import vllm
        from transformers import AutoProcessor
        from vllm.platforms import current_platform

        on_cpu = current_platform.is_cpu()
        self.dtype = ("float32" if on_cpu else "bfloat16") if dtype == "auto" else dtype
        self.max_tokens, self.max_model_len, self.seed = max_tokens, max_model_len, seed
        self._processor: Any = AutoProcessor.from_pretrained(model)
        self._llm = vllm.LLM(
            model=str(model),
            dtype=self.dtype,
            seed=seed,
            max_model_len=max_model_len,
            enforce_eager=on_cpu,
            limit_mm_per_prompt={"image": 1, "video": 0},
        )
        vocabulary = self._processor.tokenizer.get_vocab()
        self.banned_tokens = [token for token in VISION_TOKENS if token in vocabulary]
        self._sampling = vllm.SamplingParams(
            temperature=0.0, max_tokens=max_tokens, seed=seed, bad_words=self.banned_tokens
        )
        self._version = vllm.__version__

    def describe(self) -> dict[str, Any]:
        """What is needed to repeat the answers, JSON-ready."""
        return {
            "engine": {
                "name": "vllm",
                "version": self._version,
                "dtype": self.dtype,
                "max_model_len": self.max_model_len,
            },
            "sampling": {
                "temperature": 0.0,
                "max_tokens": self.max_tokens,
                "seed": self.seed,
                "banned_tokens": self.banned_tokens,
            },
        }

    def answer(self, rows: Sequence[dict[str, Any]]) -> list[Answer]:
        """Answer parquet rows, in their order.

        Raises:
            UserError: A row has not exactly one picture, the picture is broken, or the prompt is too long.
        """
        outputs = self._llm.generate(
            [self._prompt(row) for row in rows], sampling_params=self._sampling, use_tqdm=False
        )
        completions = [output.outputs[0] for output in outputs]
        return [Answer(done.text, len(done.token_ids), done.finish_reason or "stop") for done in completions]

    def _prompt(self, row: dict[str, Any]) -> dict[str, Any]:
        where = f"row {row['extra_info']['index']} ({row['extra_info']['file_name']})"
        text = self._processor.apply_chat_template(
            [_with_image_part(message) for message in row["prompt"]], add_generation_prompt=True, tokenize=False
        )
        image = load_image(row["images"], where)
        token_ids = self._processor.tokenizer(text)["input_ids"]
        length = len(token_ids) - 1 + self._visual_tokens(image)
        if length + self.max_tokens > self.max_model_len:
            raise UserError(
                f"{where}: the prompt has {length} tokens and the answer may have {self.max_tokens}, together more "
                f"than max_model_len={self.max_model_len}; raise it, or lower max_tokens or the pixel budget"
            )
        return {"prompt_token_ids": token_ids, "multi_modal_data": {"image": image}}

    def _visual_tokens(self, image: Image.Image) -> int:
        # Qwen2-VL: one token for each merge_size x merge_size patches.
        side: int = self._processor.image_processor.patch_size * self._processor.image_processor.merge_size
        return (image.width // side) * (image.height // side)


def load_image(images: Sequence[dict[str, Any]], where: str) -> Image.Image:
    """Decode and resize a row's single picture inside its pixel budget, as veRL does for training.

    Args:
        images: The row's ``images``: one dictionary ``bytes``, ``min_pixels``, ``max_pixels``.
        where: Names the row in an error.
    """
    from qwen_vl_utils import fetch_image

    if len(images) != 1:
        raise UserError(f"{where}: {len(images)} pictures, one is expected; prepare the data again")
    budget = {key: images[0][key] for key in ("min_pixels", "max_pixels")}
    try:
        image: Image.Image = fetch_image({"image": Image.open(BytesIO(images[0]["bytes"])), **budget})
    except OSError as error:
        raise UserError(f"{where}: the picture cannot be decoded ({error}); prepare the data again") from error
    return image


def _with_image_part(message: dict[str, str]) -> dict[str, Any]:
    before, mark, after = message["content"].partition("<image>")
    parts = [{"type": "text", "text": before}, {"type": "image"}, {"type": "text", "text": after}]
    return {"role": message["role"], "content": [part for part in parts if mark or part["type"] == "text"]}
