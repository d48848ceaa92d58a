# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with one row, as far as a training or an evaluation would trip over it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from verl_visual_rft.answers.tags import MAX_LENGTH
from verl_visual_rft.coordinates import FAMILIES, answer_extent
from verl_visual_rft.datasets.doubled_boxes import doubled_boxes
from verl_visual_rft.datasets.stored_rows import PictureHeader, extra, ground_truth, pixel_limits, read_header
from verl_visual_rft.datasets.tokens import image_tokens
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import open_picture
from verl_visual_rft.prompts import PLACEHOLDER
from verl_visual_rft.rewards import load_reward
from verl_visual_rft.tasks import Truth, load_task, read_truth, task_names
from verl_visual_rft.tasks.marks import Shape

_PREPARE = "prepare the data again"
_ROLES = ("system", "user", "assistant")


class Fault(NamedTuple):
    """What is wrong, under which key of the row, and what to do."""

    key: str
    problem: str
    remedy: str


def check_row(
    row: Mapping[str, Any], pictures: Sequence[PictureHeader | str], max_prompt_tokens: int | None
) -> Iterator[Fault]:
    """Give the faults of a row.

    Args:
        row: A row that has the columns of `rows.RFT_SCHEMA`, ``extra_info`` perhaps without some fields.
        pictures: For each of the row's pictures what `decode` made of it: its header, or why it cannot be shown.
        max_prompt_tokens: Limit of ``extra_info.prompt_tokens``; None for no limit.
    """
    if not row["data_source"]:
        yield Fault("data_source", "is empty", "name the data set; validation metrics are grouped by it")
    yield from _check_chat(row, "prompt", last="user")
    truth = None
    if row["ability"] not in task_names():
        remedy = f"use one of {', '.join(task_names())}, or install the package that has it"
        yield Fault("ability", f"{row['ability']!r} is no task", remedy)
    else:
        try:
            truth = read_truth(row["ability"], ground_truth(row) or "")
        except UserError as error:
            yield Fault("reward_model.ground_truth", str(error), _PREPARE)
    yield from _check_doubled(truth)
    surplus = "" if truth is None else beyond_answers(row["ability"], truth)
    if surplus:
        yield Fault("reward_model.ground_truth", f"has {surplus}", f"{_PREPARE}, which leaves the row out")
    asked = [(message or {}).get("content") or "" for message in row["prompt"] or ()]
    if truth is not None and not truth.think and any("<think>" in text for text in asked):
        yield Fault("reward_model.ground_truth", 'says "think": false, but the prompt asks for thinking', _PREPARE)
    for place, header in enumerate(pictures):
        yield from _check_picture(f"images[{place}]", row["images"][place] or {}, header)
    if len(pictures) == 1 and isinstance(pictures[0], PictureHeader):
        yield from _check_size(row, pictures[0])
        yield from _check_model_size(row, pictures[0], truth)
    yield from _check_reward(row)
    yield from _check_tokens(row, max_prompt_tokens)
    if "messages" in row:
        yield from _check_chat(row, "messages", last="assistant")
        yield from _check_answer(row["messages"], row["ability"], None if surplus else truth)


def beyond_answers(task: str, truth: Truth) -> str:
    """Say what a truth has that no answer can say, because only so much is read of one; empty if one can say it."""
    most = load_task(task).most_marks
    if most is not None and len(truth.marks()) > most:
        return f"more objects than an answer may have: {most}"
    if len(truth.solution) > MAX_LENGTH:
        return f"an answer longer than is read: {MAX_LENGTH} characters"
    return ""


def truth_of(row: Mapping[str, Any]) -> Truth | None:
    """Return the truth of a row; None where `check_row` says what is wrong with it."""
    try:
        return read_truth(row["ability"], ground_truth(row) or "") if row["ability"] in task_names() else None
    except UserError:
        return None


def _check_doubled(truth: Truth | None) -> Iterator[Fault]:
    marks = [mark for mark in (truth.marks() if truth else ()) if mark.points]
    boxes = [mark for mark in marks if mark.shape is Shape.BOX]
    doubled: set[int] = set()
    for label in {mark.label for mark in boxes}:  # a box may have two names: rider and person
        doubled |= doubled_boxes({place: mark.box for place, mark in enumerate(boxes) if mark.label == label})
    for number in sorted(doubled):
        problem = f"an object is boxed twice, {list(boxes[number].box)}; a reward would pay for it twice"
        yield Fault("reward_model.ground_truth", problem, "give each object one box")
    outlines = Counter((frozenset(mark.points), mark.label, mark.box) for mark in marks if mark.shape is not Shape.BOX)
    for (_, _, box), count in outlines.items():
        if count > 1:
            problem = f"an object is outlined {count} times, within {list(box)}; a reward would pay for each"
            yield Fault("reward_model.ground_truth", problem, "give each object one outline")


def decode(data: bytes | None) -> PictureHeader | str:
    """Decode an encoded picture as training does, and return its header and the hash of its pixels; or why it fails."""
    if not data:
        return "has no bytes"
    try:
        header = read_header(data)
        with open_picture(data) as image:
            pixels = image.convert("RGB").tobytes()
    except UserError as error:
        return str(error)
    except Exception as error:  # Pillow's decoders raise many types on damaged files; each becomes the same refusal
        return f"does not decode: {error}"
    content = hashlib.blake2b(pixels, digest_size=16, key=repr(header.size).encode()).digest()
    return replace(header, content=content)


def _check_chat(row: Mapping[str, Any], key: str, last: str) -> Iterator[Fault]:
    chat = [message or {"role": None, "content": None} for message in row[key] or ()]
    if not chat:
        yield Fault(key, "is empty", _PREPARE)
        return
    for place, message in enumerate(chat):
        if message["role"] not in _ROLES:
            yield Fault(f"{key}[{place}].role", f"is {message['role']!r}", f"use one of {', '.join(_ROLES)}")
        if not message["content"]:
            yield Fault(f"{key}[{place}].content", "is empty", _PREPARE)
    if chat[-1]["role"] != last:
        yield Fault(key, f"ends with the role {chat[-1]['role']!r}", f"end it with the turn of the {last}")
    marks = [mark for message in chat for mark in PLACEHOLDER.findall(message["content"] or "")]
    for other in sorted({*marks} - {"<image>"}):
        yield Fault(key, f"contains {other}, which veRL replaces by something the row does not have", "reword it")
    pictures = len(row["images"] or ())
    if marks.count("<image>") != pictures:
        problem = f"has {marks.count('<image>')} <image> for {pictures} pictures"
        yield Fault(key, problem, "write <image> exactly once for each picture")


def _check_picture(key: str, entry: Mapping[str, Any], header: PictureHeader | str) -> Iterator[Fault]:
    if isinstance(header, str):
        yield Fault(f"{key}.bytes", header, "replace the picture and prepare the data again")
    elif header.orientation != 1:
        turned = f"has EXIF orientation {header.orientation}, which training ignores: the model sees it turned"
        yield Fault(f"{key}.bytes", turned, "save it upright, without the tag, and check its boxes")
    for name in ("resized_height", "resized_width"):
        if name in entry and entry[name] is None:
            yield Fault(f"{key}.{name}", "is null, which veRL's resizing takes for a number", "leave the field out")
    limits = pixel_limits(entry)
    if limits is None:
        problem = f"are {entry.get('min_pixels')!r} and {entry.get('max_pixels')!r}, not two ascending pixel counts"
        yield Fault(f"{key}.min_pixels, {key}.max_pixels", problem, "give both; without, a picture takes 16384 tokens")


def _check_size(row: Mapping[str, Any], header: PictureHeader) -> Iterator[Fault]:
    recorded = extra(row, "width"), extra(row, "height")
    if None not in recorded and recorded != header.size:
        problem = f"say {recorded[0]}x{recorded[1]}, but the picture is {header.size[0]}x{header.size[1]}"
        yield Fault("extra_info.width, extra_info.height", problem, "prepare the data again; its boxes may be off")


def _check_model_size(row: Mapping[str, Any], header: PictureHeader, truth: Truth | None) -> Iterator[Fault]:
    """What follows from the size at which the model sees the picture, for its family or any if none is recorded."""
    name, limits = extra(row, "model_family"), pixel_limits(row["images"][0])
    if name is not None and (not isinstance(name, str) or name not in FAMILIES):
        yield Fault("extra_info.model_family", f"{name!r} is no family", f"use one of {', '.join(FAMILIES)}")
    if limits is None or name not in (None, *FAMILIES):
        return
    families = FAMILIES.values() if name is None else [FAMILIES[name]]
    try:
        extents = {answer_extent(header.size, family, *limits) for family in families}
        tokens = {image_tokens(header.size, family, *limits) for family in families}
    except ValueError as error:
        yield Fault("images[0].bytes", str(error), "crop the picture or leave it out; Qwen's resizing refuses it")
        return
    remedy = "prepare the data again; pixel limits cannot be changed afterwards"
    if truth is not None and load_task(row["ability"]).coordinates and truth.extent not in extents:
        stated, expected = _by(truth.extent), " or ".join(map(_by, sorted(extents)))
        problem = f"has coordinates up to {stated}, but the model answers up to {expected}"
        yield Fault("reward_model.ground_truth", problem, remedy)
    recorded = extra(row, "image_tokens")
    if recorded is not None and recorded not in [*tokens]:  # it may be anything, a list say
        problem = f"is {recorded}, but the picture gives {' or '.join(map(str, sorted(tokens)))}"
        yield Fault("extra_info.image_tokens", problem, remedy)


def _by(extent: tuple[float, float]) -> str:
    return "{:g}x{:g}".format(*extent)


def _check_reward(row: Mapping[str, Any]) -> Iterator[Fault]:
    reward = extra(row, "reward")
    if reward and (problem := _reward_problem(str(reward))):
        yield Fault("extra_info.reward", problem, "name an installed reward: visual-rft reward list")


@lru_cache
def _reward_problem(reward: str) -> str:
    try:
        load_reward(reward)
    except UserError as error:
        return str(error)
    return ""


def _check_tokens(row: Mapping[str, Any], limit: int | None) -> Iterator[Fault]:
    tokens = extra(row, "prompt_tokens")
    if limit is None:
        return
    if not isinstance(tokens, int):
        problem = "is not given, so the limit cannot be checked"
        yield Fault("extra_info.prompt_tokens", problem, "prepare the data again with --tokenizer")
    elif tokens > limit:
        remedy = "raise data.max_prompt_length, or prepare the data again with a smaller --max-pixels"
        yield Fault("extra_info.prompt_tokens", f"{tokens} is more than {limit}; training would truncate it", remedy)


def _check_answer(
    messages: Sequence[Mapping[str, str] | None] | None, task: str, truth: Truth | None
) -> Iterator[Fault]:
    if not messages or truth is None:
        return
    answer = (messages[-1] or {}).get("content") or ""
    asked = load_task(task)
    if not asked.says(asked.parse(answer, truth.extent, True, *truth.form), truth):
        shown = answer if len(answer) <= 80 else f"{answer[:77]}..."
        yield Fault(f"messages[{len(messages) - 1}].content", f"{shown!r} does not say the ground truth", _PREPARE)
