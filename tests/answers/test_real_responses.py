# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Every one of the real responses was read, and what the parser should make of it decided, before this was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from verl_visual_rft.answers import Outcome
from verl_visual_rft.boxes import Box, iou
from verl_visual_rft.tasks.classification import parse_classification
from verl_visual_rft.tasks.detection import Detection, parse_detection
from verl_visual_rft.tasks.grounding import parse_grounding

# (task, outcome, valid boxes, invalid boxes): positions in the file. A box is invalid when it has no area, leaves the
# grid by more than a hundredth, or has not four numbers. Boxes on a 0-1 scale (7, 122, 325) are read as they stand:
# guessing the scale is not the parser's. "None" and "Nothing found." say that there are no objects; an empty Position
# list does not.
REVIEWED = {
    ("detection", "well_formed", 1, 0): (
        "0 7 18 19 28 34 35 40 58 65 70 75 81 83 87 92 100 112 114 116 130 133 135 141 147 150 155 156 157 "
        "161 171 192 193 194 195 196 198 203 206 209 214 215 217 227 228 234 235 248 253 254 257 259 260 262 "
        "273 291 292 304 307 310 315 316 319 325 327 329 330 335 336"
    ),
    ("detection", "well_formed", 2, 0): (
        "4 12 21 43 46 51 52 53 78 94 106 110 119 121 122 128 131 143 163 164 181 184 208 212 219 224 244 245 "
        "251 252 261 280 287 306 317 322 331"
    ),
    ("detection", "well_formed", 3, 0): "48 265",
    ("detection", "well_formed", 4, 0): "180 188",
    ("detection", "well_formed", 5, 0): "68 205 250 303",
    ("detection", "well_formed", 11, 0): "237",
    ("detection", "repaired", 1, 0): (
        "5 17 25 29 42 50 63 71 74 77 84 86 90 95 102 103 104 117 120 127 140 142 149 151 152 158 159 162 166 "
        "168 170 172 175 178 179 183 197 220 221 229 238 242 243 266 270 297 309 312 314 326 328 333 338 339"
    ),
    ("detection", "repaired", 1, 1): "60",
    ("detection", "repaired", 1, 2): "154",
    ("detection", "repaired", 1, 28): "279",
    ("detection", "repaired", 2, 0): "23 56 76 80 96 211 288",
    ("detection", "repaired", 2, 1): "79 230",
    ("detection", "repaired", 3, 0): "13 14 15 38 200 233 247 311",
    ("detection", "repaired", 4, 0): "276",
    ("detection", "repaired", 4, 2): "26",
    ("detection", "repaired", 5, 0): "101 107",
    ("detection", "repaired", 5, 23): "226",
    ("detection", "repaired", 6, 0): "20 204",
    ("detection", "repaired", 7, 0): "113",
    ("detection", "repaired", 8, 20): "337",
    ("detection", "repaired", 14, 14): "187",
    ("detection", "repaired", 15, 14): "239",
    ("detection", "repaired", 20, 9): "313",
    ("detection", "repaired", 28, 0): "139",
    ("detection", "repaired", 29, 0): "16 36 62 105 173 202 222 232 271",
    ("detection", "repaired", 30, 0): "24 32 39 124 137 185 189 246",
    ("detection", "repaired", 31, 0): "126",
    ("detection", "no_objects", 0, 0): (
        "2 6 10 33 37 45 59 69 88 99 125 136 144 145 165 167 176 210 216 223 225 240 241 249 263 269 277 278 "
        "286 294 318 320"
    ),
    ("detection", "malformed", 0, 0): "8 9 54 132 148 153 201 218 231 274 283 293 296 302 324",
    ("detection", "malformed", 0, 1): (
        "41 44 47 61 64 72 85 93 97 98 109 118 129 134 146 169 207 236 255 258 275 281 284 285 290 298 323 334"
    ),
    ("detection", "malformed", 0, 2): "272",
    (
        "detection",
        "no_answer",
        0,
        0,
    ): "3 22 27 30 31 55 57 66 73 89 91 108 115 160 174 182 186 199 264 267 268 289 299 301 305 321 332",
    ("grounding", "well_formed", 1, 0): "49 67 191 282",
    ("classification", "well_formed", 0, 0): "1 111 123 190 256 295",
    ("classification", "no_answer", 0, 0): "11 82 138 177 213 300 308",
}

# Where the published code makes something else of a response than we do, and why (see the test below).
SEVERAL_ANSWERS = {225}  # it reads the first block, which belongs to the first of two thoughts


@pytest.mark.parametrize(("expected", "indices"), REVIEWED.items(), ids=map(str, REVIEWED))
def test_outcome_as_reviewed(
    expected: tuple[str, str, int, int], indices: str, real_responses: list[dict[str, Any]]
) -> None:
    for index in map(int, indices.split()):
        assert (index, *summarise(real_responses[index])) == (index, *expected)


def test_all_were_reviewed(real_responses: list[dict[str, Any]]) -> None:
    reviewed = sorted(int(index) for indices in REVIEWED.values() for index in indices.split())
    assert reviewed == list(range(len(real_responses)))


def summarise(row: dict[str, Any]) -> tuple[str, str, int, int]:
    if row["task"] == "detection":
        detection = parse_detection(row["response"])
        return "detection", detection.outcome.value, len(detection.detections), detection.invalid
    if row["task"] == "grounding":
        grounding = parse_grounding(row["response"])
        return "grounding", grounding.outcome.value, len(grounding.boxes), grounding.invalid
    return "classification", parse_classification(row["response"]).outcome.value, 0, 0


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        (26, "square brackets do not match; 2 of 6 boxes invalid"),
        (42, "braces do not match"),
        (63, "a confidence in quotes"),
        (71, "boxes under another key than Position; 1 of 1 boxes without a valid confidence"),
        (86, "the think tag is not closed"),
        (90, "the list does not end with its bracket"),
        (104, "single and double quotes mixed"),
        (107, "the answer tag is not closed; the list does not end with its bracket"),
        (117, "the answer tag is not closed"),
        (142, "dots copied from the prompt"),
        (146, "1 of 1 boxes invalid"),
        (153, "no box in a known notation"),
        (178, "no list around the boxes"),
        (309, "square brackets do not match"),
        (321, "no answer outside the reasoning"),
    ],
)
def test_reasons(index: int, reason: str, real_responses: list[dict[str, Any]]) -> None:
    assert parse_detection(real_responses[index]["response"]).reason == reason


def test_names_and_boxes(real_responses: list[dict[str, Any]]) -> None:
    names = {index: parse_classification(real_responses[index]["response"]).label for index in (1, 111, 123, 256)}
    assert names == {1: "columbine", 111: "hedgehog", 123: "globe-flower", 256: "4"}
    boxes = {index: parse_grounding(real_responses[index]["response"]).box for index in (191, 282)}
    assert boxes == {191: (696, 300, 999, 999), 282: (450, 450, 650, 850)}


def test_the_published_code_scores_our_boxes_as_it_did(real_responses: list[dict[str, Any]]) -> None:
    """The logged rewards, computed anew by the published formula from the boxes that we read.

    They differ only where the published code reads nothing (line breaks in the answer, anything repaired) and so
    logged 0 and 0; where it scores a box that is not valid as an ordinary miss; and with several answer blocks.
    """
    compared: Counter[str] = Counter()
    for index, row in enumerate(real_responses):
        if "ref_iou_reward" not in row:
            continue
        answer = parse_detection(row["response"])
        truths = [detection.box for detection in parse_detection(row["solution"]).detections]
        assert row["ref_format_reward"] == answer.has_format, index
        logged = (row["ref_iou_reward"], row["ref_confidence_reward"])
        if logged == pytest.approx(published_rewards(answer.detections, truths), abs=1e-9):
            compared["equal"] += 1
        elif index in SEVERAL_ANSWERS:
            compared["several answers"] += 1
        elif answer.invalid:
            compared["invalid boxes"] += 1
        else:
            assert logged == (0, 0), index
            assert answer.outcome is Outcome.REPAIRED or "\n" in row["response"].split("<answer>")[-1], index
            compared["read by us alone"] += 1
    assert compared == {"equal": 97, "read by us alone": 26, "invalid boxes": 8, "several answers": 1}


def published_rewards(detections: Sequence[Detection], truths: list[Box]) -> tuple[float, float]:
    """IoU and confidence reward of the published code (grpo.py): duplicates dropped, IoU > 0.5, larger count."""
    first: dict[Box, float] = {}
    for box, confidence in detections:
        first.setdefault(box, 0.0 if confidence is None else confidence)
    if not first:
        return 0.0, 0.0
    free, iou_sum, confidence_sum = list(truths), 0.0, 0.0
    for box, confidence in sorted(first.items(), key=lambda item: -item[1]):
        best = max(free, key=lambda truth: iou(box, truth), default=None)
        if best is not None and iou(box, best) > 0.5:
            free.remove(best)
            iou_sum += iou(box, best)
            confidence_sum += confidence
        else:
            confidence_sum += 1 - confidence
    return min(1.0, iou_sum / max(len(first), len(truths))), confidence_sum / len(first)


def test_the_published_parser_reads_the_same_boxes(inference_responses: list[dict[str, Any]]) -> None:
    """It drops exact duplicates and every answer that is cut off, and raises where a box has no confidence.

    One answer that it cannot read we repair: a position that ends with a round bracket.
    """
    outcomes: Counter[str] = Counter()
    read_by_us_alone = 0
    for row in inference_responses:
        answer = parse_detection(row["response"])
        outcomes[answer.outcome.value] += 1
        if isinstance(row["ref_parsed"], str) or "</answer>" not in row["response"]:
            assert answer.reason
            continue
        distinct = {detection.box: detection.confidence for detection in reversed(answer.detections)}
        read = [item for item in row["ref_parsed"] if isinstance(item, list)]  # it keeps lists of names as they are
        if distinct and not read:
            assert answer.reason == "square brackets do not match"
            read_by_us_alone += 1
        else:
            assert distinct == {tuple(clip(box)): confidence for box, confidence in read if is_valid(clip(box))}
    assert read_by_us_alone == 1
    assert outcomes == {"well_formed": 226, "no_objects": 135, "repaired": 31, "no_answer": 5, "malformed": 3}


def clip(box: list[float]) -> list[float]:
    """Move what lies at most 10 beyond the grid to its edge, as our parser does."""
    return [min(max(value, 0), 1000) for value in box] if all(-10 <= value <= 1010 for value in box) else box


def is_valid(box: list[float]) -> bool:
    return 0 <= box[0] < box[2] <= 1000 and 0 <= box[1] < box[3] <= 1000


# Of the 400 inference responses, those of which we and the published parser read another number of boxes, the same box
# again left out: positions in the file, with (theirs, ours). All were read.
REVIEWED_COUNTS = {
    # Ended at the token limit, mostly in a loop: it reads nothing, we the whole boxes before the end. Those that leave
    # the grid are invalid.
    "cut in the list": (
        "5:0,30 18:0,1 45:0,2 52:0,5 54:0,13 102:0,15 111:0,4 117:0,1 132:0,28 174:0,3 202:0,8 268:0,4 279:0,1 291:0,2 "
        "342:0,1 363:0,3 383:0,1 385:0,2 395:0,6"
    ),
    "whole list, answer tag not closed": "166:0,1 257:0,1 288:0,1 318:0,1 391:0,1",
    "a position ends with a round bracket": "104:0,1",
    "it stops with a KeyError at a box without a confidence": "381:0,1",
    # The only ones of which we give fewer: it keeps a box that reaches beyond 1010, we count it as invalid.
    "a box leaves the grid": "186:7,6 203:8,7",
}


def test_no_box_of_the_published_parser_is_lost_and_every_other_count_is_explained(
    inference_responses: list[dict[str, Any]],
) -> None:
    counts: dict[int, tuple[int, int]] = {}
    for position, row in enumerate(inference_responses):
        published = [tuple(item[0]) for item in row["ref_parsed"] if isinstance(item, list)]
        ours = {detection.box for detection in parse_detection(row["response"]).detections}
        assert {box for box in published if is_valid(list(box))} <= ours, position
        if len(published) != len(ours):
            counts[position] = len(published), len(ours)
    reviewed = (entry.split(":") for entries in REVIEWED_COUNTS.values() for entry in entries.split())
    assert counts == {int(position): tuple(map(int, pair.split(","))) for position, pair in reviewed}
    fewer = {position for position, (theirs, ours) in counts.items() if ours < theirs}
    assert fewer == {186, 203}
    assert sum(ours - theirs for theirs, ours in counts.values()) == 135
