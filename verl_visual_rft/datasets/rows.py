# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The parquet row: what veRL's datasets read, and what our reward and evaluation find again in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from verl_visual_rft.boxes import part_within
from verl_visual_rft.coordinates import FAMILIES, Size, answer_extent
from verl_visual_rft.datasets.images import StoredPicture
from verl_visual_rft.datasets.row_checks import beyond_answers
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.datasets.tokens import TextTokens, image_tokens
from verl_visual_rft.errors import UserError
from verl_visual_rft.prompts import PLACEHOLDER, with_thinking
from verl_visual_rft.tasks import load_task, read_truth
from verl_visual_rft.tasks.question import Asked, Question, Space

if TYPE_CHECKING:
    from verl_visual_rft.datasets.prepare import PrepareOptions

_CHAT = pa.list_(pa.struct({"role": pa.string(), "content": pa.string()}))

#: Columns of train.parquet and val.parquet (reinforcement fine-tuning: ``verl.utils.dataset.RLHFDataset``).
#: ``category`` is the category, the class name or the instruction; ``category_id`` is empty for grounding,
#: ``prompt_tokens`` without a tokenizer, and ``reward`` where the run's own is meant.
RFT_SCHEMA = pa.schema(
    {
        "data_source": pa.string(),
        "prompt": _CHAT,
        "images": pa.list_(pa.struct({"bytes": pa.binary(), "min_pixels": pa.int64(), "max_pixels": pa.int64()})),
        "ability": pa.string(),
        "reward_model": pa.struct({"style": pa.string(), "ground_truth": pa.string()}),
        "extra_info": pa.struct(
            {
                "index": pa.int64(),
                "split": pa.string(),
                "image_id": pa.string(),
                "file_name": pa.string(),
                "width": pa.int64(),
                "height": pa.int64(),
                "category": pa.string(),
                "category_id": pa.int64(),
                "image_tokens": pa.int64(),
                "prompt_tokens": pa.int64(),
                "model_family": pa.string(),
                "reward": pa.string(),
            }
        ),
    }
)

#: What supervised fine-tuning is to say: the answer alone, or a short thinking process before it.
SFT_TARGETS = ("answer", "reasoning")

#: The same with the target answer (supervised fine-tuning: ``verl.utils.dataset.MultiTurnSFTDataset``).
SFT_SCHEMA = RFT_SCHEMA.append(pa.field("messages", _CHAT))


@dataclass(frozen=True)
class RowStyle:
    """What all rows of a folder share."""

    name: str  #: The rows' ``data_source``; veRL groups validation metrics by it.
    options: PrepareOptions  #: How they are asked.
    text_tokens: TextTokens | None  #: Counts the text's tokens; None leaves ``prompt_tokens`` empty.


def build_row(
    question: Question, stored: StoredPicture, index: int, split: str, style: RowStyle
) -> dict[str, Any] | Skip:
    """Build one row of `SFT_SCHEMA`, which holds all of `RFT_SCHEMA`.

    The ground truth is JSON that `truths.read_truth` reads: boxes in the coordinates of the options' model family, with
    their extent where it is not the 0-1000 grid; class names with the closed set and its aliases; ``"think": false``
    where the prompt asks for the answer alone, so that the format is rewarded that it asks for.

    The target answer of ``messages`` is the answer alone, even where the prompt asks for thinking: no thinking process
    is annotated, and the paper's SFT baseline was trained this way (authors, issue 219 of the published repository).
    With ``sft_target="reasoning"`` a short thinking process stands before it, the same for all rows of a task.

    Returns:
        The row, or why it is left out: a box outside the picture, a picture too long for the model, a prompt too long,
        more to say than an answer may.

    Raises:
        UserError: The truth cannot be read, or the text holds one of veRL's placeholders; the message names the row.
    """
    options, where = style.options, f"{split}: {question.picture.name}"
    family, budget, size = FAMILIES[options.family], (options.min_pixels, options.max_pixels), stored.placement.size
    try:
        visual = image_tokens(size, family, *budget)
    except ValueError as error:
        return Skip("picture too long for the model", f"{where}: {error}")
    if not all(
        box[0] < box[2] and box[1] < box[3] and part_within(stored.placement.box(box), size)
        for box in question.bounds()
    ):
        return Skip("box without area in the picture", where)
    extent = answer_extent(size, family, *budget)
    asked = question.ask(Space(stored.placement, extent, family.absolute), options.think)
    where = f"{where}, {asked.category!r}"
    text = question.prompt or asked.prompt
    _require_usable(question, text, where, style)
    ground_truth = _ground_truth(question.task, asked, extent, options, where)
    surplus = beyond_answers(question.task, read_truth(question.task, ground_truth))
    if surplus:
        return Skip(surplus, where)
    target = question.answer or asked.answer
    if options.sft_target == "reasoning":
        target = with_thinking(target, f" {asked.thinking} ")
    tokens = None if style.text_tokens is None else style.text_tokens.count(text) + visual
    if tokens is not None and options.max_prompt_tokens is not None and tokens > options.max_prompt_tokens:
        return Skip(f"prompt longer than {options.max_prompt_tokens} tokens", f"{where}: {tokens} tokens")
    prompt = [{"role": "user", "content": "<image>" + text}]
    return {
        "data_source": style.name,
        "prompt": prompt,
        "images": [{"bytes": stored.data, "min_pixels": options.min_pixels, "max_pixels": options.max_pixels}],
        "ability": question.task,
        "reward_model": {"style": "rule", "ground_truth": ground_truth},
        "extra_info": {
            "index": index,
            "split": split,
            "image_id": question.picture.id,
            "file_name": question.picture.name,
            "width": size[0],
            "height": size[1],
            "category": asked.category,
            "category_id": asked.category_id,
            "image_tokens": visual,
            "prompt_tokens": tokens,
            "model_family": options.family,
            "reward": question.reward or options.reward,
        },
        "messages": [*prompt, {"role": "assistant", "content": target}],
    }


def _require_usable(question: Question, text: str, where: str, style: RowStyle) -> None:
    options = style.options
    try:
        f"{text}{style.name}{question.reward or options.reward}".encode()
    except UnicodeEncodeError as error:
        shown = error.object[max(error.start - 20, 0) : error.end]
        raise UserError(f"{where}: {shown!r} (prompt, reward or data set's name) is not UTF-8; reword it") from None
    if PLACEHOLDER.search(text):
        raise UserError(f"{where}: the prompt contains a placeholder that veRL would replace by a picture; rename it")
    if question.prompt is not None and not options.think:
        raise UserError(f"{where}: it brings its own prompt, which --no-think cannot change; leave --no-think away")
    brought = question.prompt is not None or question.answer is not None
    if brought and FAMILIES[options.family].absolute and load_task(question.task).coordinates:
        raise UserError(
            f"{where}: its prompt or answer is written for the 0-1000 grid and cannot be used for {options.family!r}; "
            "choose another model family"
        )


def _ground_truth(task: str, asked: Asked, extent: Size, options: PrepareOptions, where: str) -> str:
    truth = dict(asked.truth)
    if load_task(task).coordinates and FAMILIES[options.family].absolute:
        truth["extent"] = extent
    if not options.think:
        truth["think"] = False
    ground_truth = json.dumps(truth, ensure_ascii=False)
    try:
        read_truth(task, ground_truth)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    return ground_truth
