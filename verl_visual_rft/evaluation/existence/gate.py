# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The existence stage before `predict`: which questions are asked at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from verl_visual_rft.datasets.existence_map import ExistenceMap, never_claimed, read_existence_map
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.existence import Pair, StageQuality, says_present, stage_quality
from verl_visual_rft.input_files import sha256_of
from verl_visual_rft.prompts import existence_prompt
from verl_visual_rft.tasks import read_truth
from verl_visual_rft.tasks.detection.task import Detection

#: A question of the parquet; the engines call it the same.
Row = dict[str, Any]
#: Asks a rewording of all questions; gives the responses by index.
Ask = Callable[[Callable[[Row], Row]], Mapping[int, str]]


@dataclass(frozen=True)
class Gated:
    """The questions that are left, and what the stage did.

    Attributes:
        asked: Questions to ask.
        description: For the meta file.
        summary: A line for people; empty without a stage.
        own_map: The map that the model under test made; None for the other modes.
    """

    asked: list[Row]
    description: dict[str, Any]
    summary: str = ""
    own_map: ExistenceMap | None = field(default=None, repr=False)


def existence_identity(mode: str) -> str:
    """Return what distinguishes a mode: its name, or the hash of the map file that it is.

    Raises:
        UserError: It is neither a mode nor a file.
    """
    if mode in ("none", "self", "oracle"):
        return mode
    if not Path(mode).is_file():
        raise UserError(f"--existence {mode}: neither none, self, oracle nor an existence map (a JSON file)")
    return sha256_of(Path(mode))


def gate(questions: list[Row], mode: str, ask: Ask) -> Gated:
    """Leave out the questions whose category a stage calls absent.

    Args:
        questions: Rows without prompts and pictures.
        mode: ``none``, ``self`` (the model is asked first), ``oracle`` (the ground truth) or a map's file.
        ask: Asks the model under test.

    Raises:
        UserError: Questions of other tasks, a map that lacks a picture or knows none of the categories, or a stage that
            leaves nothing to ask.
    """
    if mode == "none":
        return Gated(questions, {"mode": "none", "questions": len(questions), "asked": len(questions)})
    other = sorted({question["ability"] for question in questions} - {Detection.name})
    if other:
        raise UserError(f"--existence {mode}: the data hold questions of {', '.join(other)}; use --existence none")
    truth = {_pair(question): _shows_it(question) for question in questions}
    if mode == "self":
        responses = ask(_reworded)
        stage, details = _own_map(questions, responses), {"unreadable": _count_unreadable(responses)}
    elif mode == "oracle":
        stage, details = _map("the ground truth", truth), {}
    else:
        stage = read_existence_map(Path(mode))
        details = _compare_vocabularies(stage, truth) | {"map": mode, "map_sha256": sha256_of(Path(mode))}
    quality = stage_quality(stage, truth)
    if not quality.claimed:
        raise UserError(f"{stage.source} calls every category that is asked for absent: there is nothing to predict")
    return Gated(
        asked=[question for question in questions if stage.claims(_pair(question))],
        description={
            "mode": mode if mode in ("self", "oracle") else "map",
            "questions": quality.pairs,
            "asked": quality.claimed,
            "precision": quality.precision,
            "recall": quality.recall,
            **details,
        },
        summary=_summary(stage, quality, details),
        own_map=stage if mode == "self" else None,
    )


def _pair(question: Row) -> Pair:
    return question["extra_info"]["image_id"], question["extra_info"]["category"]


def _shows_it(question: Row) -> bool:
    return not read_truth(Detection.name, question["reward_model"]["ground_truth"]).is_negative


def _reworded(row: Row) -> Row:
    text = existence_prompt(row["extra_info"]["category"])
    return row | {"prompt": [{"role": "user", "content": "<image>" + text}]}


def _map(source: str, said: Mapping[Pair, bool]) -> ExistenceMap:
    return ExistenceMap.of(
        source, (image_id for image_id, _ in said), (pair for pair, is_present in said.items() if is_present)
    )


def _own_map(questions: Sequence[Row], responses: Mapping[int, str]) -> ExistenceMap:
    said = {_pair(question): says_present(responses[question["extra_info"]["index"]]) for question in questions}
    return _map("the model itself", {pair: bool(present) for pair, present in said.items()})


def _count_unreadable(responses: Mapping[int, str]) -> int:
    return sum(says_present(response) is None for response in responses.values())


def _compare_vocabularies(stage: ExistenceMap, asked: Mapping[Pair, bool]) -> dict[str, Any]:
    """Count what a map of other people calls present and the data never ask: false alarms there stay unseen."""
    categories = sorted({category for _, category in asked})
    unknown = never_claimed(stage, categories)
    if len(unknown) == len(categories):
        raise UserError(f"{stage.source} knows none of the categories {categories[:5]}; are they spelt otherwise?")
    pairs = ((image_id, name) for image_id, names in stage.present.items() for name in names)
    unasked = sum(pair not in asked for pair in pairs if pair[1] in frozenset(categories))
    return {"never_claimed": unknown, "claimed_not_in_data": unasked}


def _summary(stage: ExistenceMap, quality: StageQuality, details: Mapping[str, Any]) -> str:
    figures = ", ".join(
        f"{name} {'n/a' if value is None else format(value, '.3f')}"
        for name, value in (("precision", quality.precision), ("recall", quality.recall))
    )
    lines = [f"existence ({stage.source}): {quality.claimed} of {quality.pairs} questions are asked; {figures}"]
    if details.get("unreadable"):
        lines.append(f"  {details['unreadable']} answers were neither yes nor no and count as no")
    if details.get("never_claimed"):
        lines.append(f"  in no picture of the map (spelt otherwise?): {', '.join(details['never_claimed'])}")
    if details.get("claimed_not_in_data"):
        lines.append(
            f"  the map calls {details['claimed_not_in_data']} more pairs of these categories present that the data do "
            "not ask about: false alarms there are not seen, so AP is higher than the published protocol's"
        )
    return "\n".join(lines)
