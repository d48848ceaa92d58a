# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""docs/answers.md: every notation is read, repaired or refused as the tables say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from verl_visual_rft.tasks.classification import parse_classification
from verl_visual_rft.tasks.counting import parse_counting
from verl_visual_rft.tasks.detection import parse_detection
from verl_visual_rft.tasks.grounding import parse_grounding
from verl_visual_rft.tasks.pointing import parse_pointing

PAGE = Path(__file__).parents[2] / "docs" / "answers.md"
_CELL = re.compile(r"(?<!\\)\|")


def rows() -> list[tuple[str, str, str, str, str]]:
    """Task, answer, outcome, what is read, what is said."""
    task, found = "", []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            task = line[3:].lower()
        elif line.startswith(("| ``", "| (empty)")):
            answer, outcome, read, said = (cell.strip() for cell in _CELL.split(line)[1:-1])
            answer = "" if answer == "(empty)" else answer[3:-3].replace("\\|", "|").replace("\\n", "\n")
            found.append((task, answer, outcome, read, said))
    return found


def response(answer: str) -> str:
    """What stands between answer tags unless it shows tags of its own, or is one of the answers without any."""
    bare = answer.startswith(("<think>", "I think", "at (", "It has"))
    return answer if bare or "<answer" in answer.lower() else f"<think> a </think> <answer>{answer}</answer>"


def shown(box: tuple[float, ...], confidence: float | None = None) -> str:
    return f"({', '.join(f'{value:g}' for value in box)})" + ("" if confidence is None else f" at {confidence:g}")


@pytest.mark.parametrize(("task", "answer", "outcome", "read", "said"), rows())
def test_row(task: str, answer: str, outcome: str, read: str, said: str) -> None:
    text = response(answer)
    if task == "detection":
        detection = parse_detection(text)
        got, parsed = " ".join(shown(*found) for found in detection.detections), detection
    elif task == "grounding":
        grounding = parse_grounding(text)
        got, parsed = "" if grounding.box is None else shown(grounding.box), grounding
    elif task == "grounding, any number":
        several = parse_grounding(text, any_number=True)
        got, parsed = " ".join(map(shown, several.boxes)), several
    elif task == "counting":
        counting = parse_counting(text)
        got, parsed = "" if counting.count is None else str(counting.count), counting
    elif task == "pointing":
        pointing = parse_pointing(text)
        got, parsed = " ".join(map(shown, pointing.points)), pointing
    else:
        classification = parse_classification(text)
        got, parsed = classification.label, classification
    assert (parsed.outcome.value.replace("_", " "), got, parsed.reason) == (outcome, read, said)


def test_the_tables_are_there() -> None:
    tasks = {"detection", "grounding", "grounding, any number", "classification", "counting", "pointing"}
    assert {task for task, *_ in rows()} == tasks
    assert {outcome for _, _, outcome, _, _ in rows()} >= {"well formed", "repaired", "no objects", "malformed"}


MORE_THAT_SAY_NOTHING = (
    "```\n[]\n```",
    "```json\n[ ]\n```",
    "``` [] ```",
    "```No Objects```",
    "[No Objects]\n",
    "NO OBJECT DETECTED",
    "no objects found in this image",
    "There are no objects in the image.",
    "No object of the category 'traffic light' in the image.",
    "No objects belonging to the category 'cat' were found in the image",
    "No object belonging to the category 'cat' is present in the image.",
    "No object belonging to the category 'driver's seat' in the image.",
    "**No objects of the category 'Boeing 737-800'.**",
    'No objects of category "St. Bernard, red: large" found',
    "There is no object of the category \u201ccat\u201d.",
    "No objects of category hot_dog are visible in the picture",
    "No objects of the category **cat**.",
    "'No objects in the image.'",
    '{"result": {"objects": [ ]}}',
    '[{"objects": []}]',
    "```json\n{'boxes': []}\n```",
    "[[]]",
    "\uff5b\u201cobjects\u201d\uff1a\uff3b\uff3d\uff5d",
    "No Objects\u3002",
    "\u3010\u3011",
)
SAY_MORE = (
    "no",
    "No objection",
    "No objects but one",
    "No object lies left of the cat",
    "No objects of category cat except on the left",
    "No objects of category cat, a dog is there",
    "No objects of category cat. A dog is there",
    "No objects of category cat other than this",
    "No objects of the category 'cat' but a 'dog'",
    "No objects of category 'cat' [10, 20, 300, 400]",
    "No objects of category cat (10,20),(300,400",
    "No objects of category but",
    "No objects of category a cat that sits on a red mat",
    "nothing but [1, 2, 3, 4]",
    "there is one object",
    "I am not sure: no objects",
    "no objects" + " found" * 100,
    "```json\n{}\n```",
    "[{}]",
    "[1, []]",
    '{"objects": [], "others": [1]}',
    '{"Position": [], "Confidence": 0.9}',
    '{"objects": [',
    "[" * 20000 + "]" * 20000,
)


@pytest.mark.parametrize("answer", MORE_THAT_SAY_NOTHING)
@pytest.mark.parametrize("untagged", [False, True])
def test_nothing_is_there(answer: str, untagged: bool) -> None:
    text = f"<think> a </think> {answer}" if untagged else response(answer)
    assert parse_detection(text).outcome == "no_objects"


@pytest.mark.parametrize("answer", SAY_MORE)
def test_what_says_more_is_not_taken_for_it(answer: str) -> None:
    assert parse_detection(response(answer)).outcome == "malformed"
