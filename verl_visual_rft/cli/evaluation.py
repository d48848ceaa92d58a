# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``visual-rft predict``, ``segment``, ``eval`` and ``report``: what a model answers, and how good that is."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verl_visual_rft.errors import UserError
from verl_visual_rft.terminal import make_console, say

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


EVAL_EPILOG = (
    "\b\nExamples:\n"
    "  visual-rft eval run/predictions.jsonl --data run/data --out run/metrics.json\n"
    "  visual-rft eval run/predictions.jsonl --data data/lisa --masks run/masks.jsonl --out run/metrics.json\n"
    "  visual-rft eval run/predictions.jsonl --data run/data --out run/metrics.json --existence oracle\n"
    "  visual-rft eval run?/predictions.jsonl --data run/data --out metrics.json   (runs with different seeds)"
)
SEGMENT_EPILOG = (
    "\b\nExample:\n"
    "  visual-rft segment run/predictions.jsonl --data data/lisa --out run/masks.jsonl --sam facebook/sam-vit-huge"
)


def evaluate(
    predictions: Annotated[
        list[Path], typer.Argument(help="File that `visual-rft predict` wrote; several are runs of one experiment.")
    ],
    data: Annotated[Path, typer.Option(help="Prepared folder that was asked about.")],
    out: Annotated[Path, typer.Option(help="Metrics to write (JSON).")],
    task: Annotated[str, typer.Option(help="Only the answers to this task; auto: the file's only one.")] = "auto",
    reward: Annotated[str, typer.Option(help="Named reward to report the mean of.")] = "robust",
    masks: Annotated[
        Path | None, typer.Option(help="Grounding: masks that `visual-rft segment` made, for gIoU and cIoU.")
    ] = None,
    existence: Annotated[
        list[str] | None,
        typer.Option(help="Detection, all asked: also AP behind this stage, oracle or a map FILE; may be given again."),
    ] = None,
) -> None:
    """Measure predictions: AP, accuracies, or IoU of boxes and masks. Needs no GPU, torch or veRL.

    All questions must be answered, once; behind `predict --existence`, all that were asked. Every figure comes with its
    n and a 95 % bootstrap interval; several files also give mean and standard deviation.
    """
    from verl_visual_rft.atomic import write_json
    from verl_visual_rft.evaluation.evaluate import evaluate as run
    from verl_visual_rft.evaluation.runs import over_runs

    console = make_console()
    if len(predictions) == 1:
        evaluation = run(predictions[0], data, reward, task, masks, existence or ())
        evaluation.write(out)
        console.print(evaluation.result.table())
        return
    if masks is not None:
        raise UserError("masks belong to one predictions file; evaluate the runs one by one")
    evaluations = {str(path): run(path, data, reward, task, existence=existence or ()) for path in predictions}
    content, table = over_runs(evaluations, out)
    write_json(out, content)
    console.print(table)


def segment(
    predictions: Annotated[Path, typer.Argument(help="Answers to grounding questions.")],
    data: Annotated[Path, typer.Option(help="Prepared folder that was asked about.")],
    out: Annotated[Path, typer.Option(help="Masks to write (JSON lines); an interrupted file is continued.")],
    sam: Annotated[str, typer.Option(help="SAM in Hugging Face format, a folder or a name.")] = "facebook/sam-vit-huge",
    device: Annotated[str, typer.Option(help="auto, or a name that torch knows.")] = "auto",
) -> None:
    """Make a mask of every answered box with SAM, for gIoU and cIoU."""
    from verl_visual_rft.evaluation.sam import segment_predictions

    result = segment_predictions(predictions, data, out, sam, device)
    say(f"{result.out}: {result.n} answers, {result.without_box} of them without a box")


REPORT_EPILOG = (
    "\b\nExamples:\n  visual-rft report outputs/quickstart\n"
    "  visual-rft report outputs/coco_ov_2b_seed0 outputs/coco_ov_2b_seed1 --table 7\n"
    "  visual-rft report outputs/flowers102_2b outputs/pets37_2b --table 2 --shots 4 --format latex > table2.tex"
)


class Format(str, Enum):
    """How a table is printed."""

    markdown = "markdown"
    csv = "csv"
    latex = "latex"


class PaperModel(str, Enum):
    """Whose rows of the paper's tables are shown."""

    qwen2_vl_2b = "2b"
    qwen2_vl_7b = "7b"


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of recipes' runs.")],
    table: Annotated[int | None, typer.Option(help="Print the runs beside this table of the paper, 2 to 8.")] = None,
    format: Annotated[Format, typer.Option(help="Of --table.")] = Format.markdown,
    paper_model: Annotated[PaperModel, typer.Option(help="With --table: whose rows of it.")] = PaperModel.qwen2_vl_2b,
    shots: Annotated[int | None, typer.Option(help="With --table: which rows of it; else those of the data.")] = None,
    reward: Annotated[str, typer.Option(help="Named reward that the answers are explained with.")] = "robust",
    seed: Annotated[int | None, typer.Option(help="Seed of the run; else that of its data.")] = None,
    pictures: Annotated[int, typer.Option(help="Questions in the gallery.")] = 24,
) -> None:
    """Write summary.json, curves.png and report.html of a run and print its table; or compare runs with the paper.

    A run with several evaluation sets (eval/METHOD/SET/metrics.json) has a page for each: report-SET.html.
    """
    if table is not None:
        from verl_visual_rft.evaluation.tables import FORMATS, compare, paper_table, read_measurements

        comparison = compare(paper_table(table), read_measurements(runs), paper_model.value, shots)
        say(FORMATS[format.value](comparison), end="")
        return
    if len(runs) > 1:
        raise UserError("a page is about one run; give one, or --table N to compare several with the paper")
    from verl_visual_rft.evaluation.report.run import write_run_report

    write_run_report(runs[0], reward=reward, seed=seed, pictures=pictures)
