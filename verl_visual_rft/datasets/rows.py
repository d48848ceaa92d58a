# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The parquet row: what veRL's datasets read, and what our reward and evaluation find again in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from verl_visual_rft.coordinates import FAMILIES, Box, Family, Size, answer_extent, to_extent
from verl_visual_rft.datasets.images import Placement, StoredPicture
from verl_visual_rft.datasets.questions import (
    ClassificationQuestion,
    DetectionQuestion,
    GroundingQuestion,
    Question,
    Skip,
)
from verl_visual_rft.datasets.tokens import TextTokens, image_tokens
from verl_visual_rft.errors import UserError
from verl_visual_rft.prompts import (
    PLACEHOLDER,
    classification_answer,
    classification_prompt,
    classification_stub,
    detection_answer,
    detection_prompt,
    detection_stub,
    grounding_answer,
    grounding_prompt,
    grounding_stub,
    with_thinking,
)
from verl_visual_rft.tasks import read_truth

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
    """What all rows of a folder share.

    Attributes:
        data_source: veRL groups validation metrics by it.
        think: Whether the prompt asks for a thinking process.
        family: Model family, a key of `coordinates.FAMILIES`.
        min_pixels: Smaller pictures are enlarged to this many pixels before the vision tower.
        max_pixels: Larger pictures are reduced to this many.
        max_prompt_tokens: Longer prompts are left out; None for no limit.
        reward: Reward of these rows; None for the run's own.
        sft_target: One of `SFT_TARGETS`.
        text_tokens: Counts the text's tokens; None leaves ``prompt_tokens`` empty.
    """

    data_source: str
    think: bool
    family: str
    min_pixels: int
    max_pixels: int
    max_prompt_tokens: int | None = None
    reward: str | None = None
    sft_target: str = SFT_TARGETS[0]
    text_tokens: TextTokens | None = None


@dataclass(frozen=True)
class _Asked:
    """A question in the model's words and coordinates."""

    task: str
    prompt: str
    truth: dict[str, Any]
    answer: str
    thinking: str
    category: str
    category_id: int | None


def task_of(question: Question) -> str:
    """Return the task of a question, the row's ``ability``."""
    return _TASKS[type(question)]


def build_row(
    question: Question, stored: StoredPicture, index: int, split: str, style: RowStyle
) -> dict[str, Any] | Skip:
    """Build one row of `SFT_SCHEMA`, which holds all of `RFT_SCHEMA`.

    The ground truth is JSON that `truths.read_truth` reads: boxes in the coordinates of the style's model family, with
    their extent where it is not the 0-1000 grid; class names with the closed set and its aliases; ``"think": false``
    where the prompt asks for the answer alone, so that the format is rewarded that it asks for.

    The target answer of ``messages`` is the answer alone, even where the prompt asks for thinking: no thinking process
    is annotated, and the paper's SFT baseline was trained this way (authors, issue 219 of the published repository).
    With ``sft_target="reasoning"`` a short thinking process stands before it, the same for all rows of a task.

    Returns:
        The row, or why it is left out: a box outside the picture, a picture too long for the model, a prompt too long.

    Raises:
        UserError: The truth cannot be read, or the text holds one of veRL's placeholders; the message names the row.
    """
    where = f"{split}: {question.picture.name}"
    family, budget, size = FAMILIES[style.family], (style.min_pixels, style.max_pixels), stored.placement.size
    try:
        visual = image_tokens(size, family, *budget)
    except ValueError as error:
        return Skip("picture too long for the model", f"{where}: {error}")
    if not all(_has_area(box, stored.placement) for box in _boxes(question)):
        return Skip("box without area in the picture", where)
    asked = _ask(question, stored.placement, answer_extent(size, family, *budget), family, style.think)
    where = f"{where}, {asked.category!r}"
    text = question.prompt or asked.prompt
    _require_usable(question, text, where, style)
    target = question.answer or asked.answer
    if style.sft_target == "reasoning":
        target = with_thinking(target, f" {asked.thinking} ")
    tokens = None if style.text_tokens is None else style.text_tokens.count(text) + visual
    if tokens is not None and style.max_prompt_tokens is not None and tokens > style.max_prompt_tokens:
        return Skip(f"prompt longer than {style.max_prompt_tokens} tokens", f"{where}: {tokens} tokens")
    prompt = [{"role": "user", "content": "<image>" + text}]
    return {
        "data_source": style.data_source,
        "prompt": prompt,
        "images": [{"bytes": stored.data, "min_pixels": style.min_pixels, "max_pixels": style.max_pixels}],
        "ability": asked.task,
        "reward_model": {"style": "rule", "ground_truth": _ground_truth(asked, where)},
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
            "model_family": style.family,
            "reward": question.reward or style.reward,
        },
        "messages": [*prompt, {"role": "assistant", "content": target}],
    }


def _ask(question: Question, placement: Placement, extent: Size, family: Family, think: bool) -> _Asked:
    boxes = [to_extent(placement.box(box), placement.size, extent) for box in _boxes(question)]
    space = {"extent": extent} if family.absolute else {}
    form = {} if think else {"think": False}
    if isinstance(question, DetectionQuestion):
        name = question.category
        return _Asked(
            task="detection",
            prompt=detection_prompt(name, think, pixels=family.absolute),
            truth={"boxes": boxes, **space, **form},
            answer=detection_answer(boxes),
            thinking=detection_stub(name, len(boxes)),
            category=name,
            category_id=question.category_id,
        )
    if isinstance(question, GroundingQuestion):
        return _Asked(
            task="grounding",
            prompt=grounding_prompt(question.instruction, think),
            truth={"box": boxes[0], **space, **form},
            answer=grounding_answer(boxes[0]),
            thinking=grounding_stub(question.instruction),
            category=question.instruction,
            category_id=None,
        )
    classes = question.classes
    aliases = {"aliases": dict(classes.aliases)} if classes.aliases else {}
    return _Asked(
        task="classification",
        prompt=classification_prompt(classes.container, classes.asked, think),
        truth={"label": question.name, "labels": classes.names, **aliases, **form},
        answer=classification_answer(question.name),
        thinking=classification_stub(classes.asked, question.name),
        category=question.name,
        category_id=question.label,
    )


def _require_usable(question: Question, text: str, where: str, style: RowStyle) -> None:
    if PLACEHOLDER.search(text):
        raise UserError(f"{where}: the prompt contains a placeholder that veRL would replace by a picture; rename it")
    if question.prompt is not None and not style.think:
        raise UserError(f"{where}: it brings its own prompt, which --no-think cannot change; leave --no-think away")
    brought = question.prompt is not None or question.answer is not None
    if brought and FAMILIES[style.family].absolute and not isinstance(question, ClassificationQuestion):
        raise UserError(
            f"{where}: its prompt or answer is written for the 0-1000 grid and cannot be used for {style.family!r}; "
            "choose another model family"
        )


def _boxes(question: Question) -> tuple[Box, ...]:
    if isinstance(question, DetectionQuestion):
        return question.boxes
    return (question.box,) if isinstance(question, GroundingQuestion) else ()


def _has_area(box: Box, placement: Placement) -> bool:
    x1, y1, x2, y2 = placement.box(box)
    width, height = placement.size
    return box[0] < box[2] and box[1] < box[3] and max(x1, 0) < min(x2, width) and max(y1, 0) < min(y2, height)


def _ground_truth(asked: _Asked, where: str) -> str:
    ground_truth = json.dumps(asked.truth, ensure_ascii=False)
    try:
        read_truth(asked.task, ground_truth)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    return ground_truth


_TASKS: dict[type, str] = {
    DetectionQuestion: "detection",
    ClassificationQuestion: "classification",
    GroundingQuestion: "grounding",
}
