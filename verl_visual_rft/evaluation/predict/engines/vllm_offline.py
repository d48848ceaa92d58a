# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Answers of a Qwen-VL checkpoint through vLLM's offline engine, on one GPU, several, or a CPU.

The answers to a batch depend on nothing but the batch: the scheduler runs in this process (vLLM's condition for
scheduling that does not depend on timing) and its caches are emptied in between. Inside a batch, the questions about a
picture share its encoding and its part of the prompt.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from verl_visual_rft.chat_templates import try_template
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict.engines.engine import Engine, Response, Row, where
from verl_visual_rft.evaluation.predict.engines.pictures import load_image
from verl_visual_rft.evaluation.predict.engines.workers import WorkerPool, visible_devices
from verl_visual_rft.vision_tokens import vision_tokens_of


@dataclass(frozen=True)
class VllmSettings:
    """How to load and sample a checkpoint.

    Attributes:
        model: Folder of a checkpoint in Hugging Face format, with its processor.
        max_tokens: Longest answer, in tokens; the published evaluation allows 1024.
        max_model_len: Longest prompt (visual tokens included) plus answer, in tokens.
        batch: Rows that are answered, and saved, together.
        temperature: 0 is greedy.
        seed: Of the engine; a sampled answer has a seed of its own, this plus the row's index.
        dtype: ``auto`` is float32 on a CPU and bfloat16 elsewhere; or a name that vLLM knows.
        workers: Copies of the model, each a process on a GPU of its own; ``None``: one on each GPU, one on a CPU.
    """

    model: Path
    max_tokens: int = 1024
    max_model_len: int = 4096
    batch: int = 128
    temperature: float = 0.0
    seed: int = 0
    dtype: str = "auto"
    workers: int | None = None

    def identity(self) -> dict[str, Any]:
        """Return all that decides the answers: the files of the model and the settings, but not the workers.

        Raises:
            UserError: There is no model in the folder.
        """
        if not (self.model / "config.json").is_file():
            raise UserError(f"{self.model}: no config.json; give the folder of a model exported to Hugging Face format")
        files = sorted([*self.model.glob("*.safetensors"), *self.model.glob("*.json")])
        stats = [(path, path.stat()) for path in files]
        weights = [[str(path.resolve()), stat.st_size, stat.st_mtime_ns] for path, stat in stats]
        settings = {key: value for key, value in asdict(self).items() if key not in ("model", "workers")}
        return {"engine": "vllm", "model_files": weights, **settings}

    def load(self) -> Engine:
        """Load the checkpoint; takes seconds to minutes and most of a GPU's memory.

        Raises:
            UserError: vLLM is not installed, or there are fewer GPUs than workers.
        """
        devices = visible_devices()
        workers = self.workers or max(1, len(devices))
        if devices and workers > len(devices):
            raise UserError(f"{workers} workers need {workers} GPUs, {len(devices)} are visible; lower --workers")
        if workers == 1:
            return VllmEngine(self)
        return WorkerPool(replace(self, workers=1), devices[:workers] or [None] * workers)


class VllmEngine:
    """A loaded checkpoint."""

    def __init__(self, settings: VllmSettings) -> None:
        """Load the checkpoint."""
        # Before vLLM is imported: its log must not mix with what is printed for the user.
        os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        try:
            import vllm
            from transformers import AutoProcessor
            from vllm.platforms import current_platform
        except ImportError as error:
            raise UserError(
                f"vLLM cannot be imported ({error}); run scripts/setup.sh, or use --engine openai"
            ) from error

        on_cpu = current_platform.is_cpu()
        self._dtype = ("float32" if on_cpu else "bfloat16") if settings.dtype == "auto" else settings.dtype
        self._settings, self._vllm = settings, vllm
        self._processor: Any = AutoProcessor.from_pretrained(settings.model)
        question = {"role": "user", "content": "<image>Where?"}
        try_template(lambda: self._render([question]), settings.model)
        self._llm = vllm.LLM(
            model=str(settings.model),
            dtype=self._dtype,
            seed=settings.seed,
            max_model_len=settings.max_model_len,
            enforce_eager=on_cpu,
            enable_prefix_caching=True,
            limit_mm_per_prompt={"image": 1, "video": 0},
        )
        self._banned = list(vision_tokens_of(self._processor.tokenizer))  # as training does (training/fixes.py)

    def describe(self) -> dict[str, Any]:
        """Return engine and sampling, JSON-ready."""
        settings = self._settings
        return {
            "engine": {
                "name": "vllm",
                "model": str(settings.model),
                "version": self._vllm.__version__,
                "dtype": self._dtype,
                "max_model_len": settings.max_model_len,
                "batch": settings.batch,
            },
            "sampling": {
                "temperature": settings.temperature,
                "max_tokens": settings.max_tokens,
                "seed": settings.seed,
                "banned_tokens": self._banned,
            },
        }

    def answer(self, batches: Iterable[Sequence[Row]]) -> Iterator[tuple[Sequence[Row], list[Response]]]:
        """Answer batches one after another.

        Raises:
            UserError: A row has not exactly one picture, the picture is broken, or the prompt is too long.
        """
        for batch in batches:
            yield batch, self.answer_batch(batch)

    def answer_batch(self, rows: Sequence[Row]) -> list[Response]:
        """Answer the rows of one batch, in their order."""
        self._llm.reset_prefix_cache()
        self._llm.reset_mm_cache()
        prompts, sampling = [self._prompt(row) for row in rows], [self._sampling(row) for row in rows]
        outputs = self._llm.generate(prompts, sampling_params=sampling, use_tqdm=False)
        completions = [output.outputs[0] for output in outputs]
        return [Response(done.text, len(done.token_ids), done.finish_reason or "stop") for done in completions]

    def close(self) -> None:
        """Leave the freeing to the end of the process: vLLM gives back nothing before."""

    def _sampling(self, row: Row) -> Any:
        settings = self._settings
        return self._vllm.SamplingParams(
            temperature=settings.temperature,
            max_tokens=settings.max_tokens,
            seed=settings.seed + row["extra_info"]["index"],
            bad_words=self._banned,
        )

    def _prompt(self, row: Row) -> dict[str, Any]:
        text = self._render(row["prompt"])
        image = load_image(row)
        token_ids = self._processor.tokenizer(text)["input_ids"]
        length = len(token_ids) - 1 + self._visual_tokens(image)
        settings = self._settings
        if length + settings.max_tokens > settings.max_model_len:
            raise UserError(
                f"{where(row)}: the prompt has {length} tokens and the answer may have {settings.max_tokens}, together "
                f"more than max_model_len={settings.max_model_len}; raise it, or lower max_tokens or the pixel budget"
            )
        return {"prompt_token_ids": token_ids, "multi_modal_data": {"image": image}}

    def _render(self, prompt: Sequence[dict[str, str]]) -> str:
        messages = [_with_image_part(message) for message in prompt]
        rendered: str = self._processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return rendered

    def _visual_tokens(self, image: Image.Image) -> int:
        # Qwen's: one token for each merge_size x merge_size patches.
        side: int = self._processor.image_processor.patch_size * self._processor.image_processor.merge_size
        return (image.width // side) * (image.height // side)


def _with_image_part(message: dict[str, str]) -> dict[str, Any]:
    before, mark, after = message["content"].partition("<image>")
    parts = [{"type": "text", "text": before}, {"type": "image"}, {"type": "text", "text": after}]
    return {"role": message["role"], "content": [part for part in parts if mark or part["type"] == "text"]}
