# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft predict``: answers of a model to prepared questions."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verl_visual_rft.errors import UserError

if TYPE_CHECKING:
    from verl_visual_rft.evaluation.predict.engines.engine import EngineSettings

PREDICT_EPILOG = (
    "\b\nExamples:\n"
    "  visual-rft predict --model run/rft/hf --data run/data/val.parquet --out run/predictions.jsonl\n"
    "  visual-rft predict --engine openai --url http://localhost:8000/v1 --model Qwen/Qwen2-VL-2B-Instruct \\\n"
    "      --data run/data/val.parquet --out run/predictions.jsonl\n"
    "  visual-rft predict --engine replay --responses saved.jsonl --data run/data/val.parquet \\\n"
    "      --out run/predictions.jsonl --existence exist_map_coco_Qwen2_vl_2B_baseline.json\n\n"
    "The key of a paid server is read from OPENAI_API_KEY. Start vLLM's own with --generation-config vllm, so that it "
    "adds no sampling parameters."
)


class EngineName(str, Enum):
    """The engines."""

    vllm = "vllm"
    openai = "openai"
    replay = "replay"


def predict(
    data: Annotated[Path, typer.Option(help="Prepared parquet, one question a row.")],
    out: Annotated[Path, typer.Option(help="Predictions to write (JSON lines); an interrupted run is continued.")],
    model: Annotated[str | None, typer.Option(help="Model folder in Hugging Face layout; openai: served name.")] = None,
    engine: Annotated[
        EngineName, typer.Option(help="In this process, a server, or saved responses.")
    ] = EngineName.vllm,
    existence: Annotated[
        str, typer.Option(help="Ask only about categories called present by: self, oracle, or a map FILE. Or none.")
    ] = "none",
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens of an answer at most.")] = 1024,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 is greedy.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of sampled answers.")] = 0,
    max_model_len: Annotated[int, typer.Option(min=1, help="vllm: tokens of prompt, picture and answer.")] = 4096,
    batch: Annotated[int, typer.Option(min=1, help="vllm: questions answered and saved together.")] = 128,
    dtype: Annotated[str, typer.Option(help="vllm: auto, float32 or bfloat16.")] = "auto",
    workers: Annotated[
        int | None, typer.Option(min=1, help="vllm: copies of the model, a GPU each (default: all GPUs).")
    ] = None,
    url: Annotated[str | None, typer.Option(help="openai: base URL of the server, up to /v1.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="openai: questions under way at a time.")] = 32,
    timeout: Annotated[float, typer.Option(min=0.001, help="openai: seconds for one request.")] = 600.0,
    retries: Annotated[int, typer.Option(min=0, help="openai: repetitions of a request that failed.")] = 8,
    responses: Annotated[
        Path | None, typer.Option(help="replay: JSON lines with image_id, category, response.")
    ] = None,
) -> None:
    """Let a model answer every question of a prepared parquet; stopped at any point, the same command goes on."""
    from verl_visual_rft.evaluation.predict import predict as run
    from verl_visual_rft.evaluation.predict.engines.openai_server import OpenAISettings
    from verl_visual_rft.evaluation.predict.engines.replay import ReplaySettings
    from verl_visual_rft.evaluation.predict.engines.vllm_offline import VllmSettings

    settings: EngineSettings
    if engine is EngineName.replay:
        settings = ReplaySettings(Path(_required(responses, "--engine replay", "--responses FILE")))
    elif engine is EngineName.openai:
        settings = OpenAISettings(
            url=_required(url, "--engine openai", "--url URL"),
            model=_required(model, "--engine openai", "--model NAME"),
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            concurrency=concurrency,
            timeout=timeout,
            retries=retries,
        )
    else:
        settings = VllmSettings(
            model=Path(_required(model, "--engine vllm", "--model FOLDER")),
            max_tokens=max_tokens,
            max_model_len=max_model_len,
            batch=batch,
            temperature=temperature,
            seed=seed,
            dtype=dtype,
            workers=workers,
        )
    run(settings, data, out, existence=existence)


def _required(value: object, engine: str, option: str) -> str:
    if value is None:
        raise UserError(f"{engine} needs {option}")
    return str(value)
