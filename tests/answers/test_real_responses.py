# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Every one of the real responses was read, and what the parser should make of it decided, before this was written."""

from __future__ import annotations

from typing import Any

import pytest

from verl_visual_rft.tasks.classification import parse_classification
from verl_visual_rft.tasks.detection import parse_detection
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


def test_names_and_boxes(real_responses: list[dict[str, Any]]) -> None:
    names = {index: parse_classification(real_responses[index]["response"]).label for index in (1, 111, 123, 256)}
    assert names == {1: "columbine", 111: "hedgehog", 123: "globe-flower", 256: "4"}
    boxes = {index: parse_grounding(real_responses[index]["response"]).box for index in (191, 282)}
    assert boxes == {191: (696, 300, 999, 999), 282: (450, 450, 650, 850)}
