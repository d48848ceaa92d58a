# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Questions about one box stay what they were before there were others: how answers are read and what they earn.

The digests were taken with the code of before (commit cced685).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from random import Random

import pytest

from verl_visual_rft.rewards import load_reward
from verl_visual_rft.tasks import Sample, load_task, make_sample
from verl_visual_rft.tasks.grounding.reference import Reference
from verl_visual_rft.tasks.metrics import metrics_of

ROWS = 1000
_WORDS = ("No Objects", "[]", "none", "The cup is left. ", "at ", " or ", "; ", ", ", "\n", "```", "...", "", " ")
_EXTENTS = ((1000, 1000), (1400, 896))


def _box(rng: Random, extent: tuple[int, int]) -> tuple[int, int, int, int]:
    x1, y1 = rng.randint(0, extent[0] - 2), rng.randint(0, extent[1] - 2)
    return x1, y1, rng.randint(x1 + 1, extent[0]), rng.randint(y1 + 1, extent[1])


def _written(rng: Random, box: tuple[int, int, int, int]) -> str:
    spoilt = [value + rng.choice((0, 0, 0, 0, 3, -3, 40, 2000)) for value in box]
    x1, y1, x2, y2 = rng.choice((box, box, box, spoilt))
    forms = (
        f"({x1},{y1}),({x2},{y2})",
        f"({x1}, {y1}) , ({x2}, {y2})",
        f"({x1}.0,{y1}),({x2},{y2}.5)",
        f"({x1},{y1})({x2},{y2})",
        f"\uff08{x1}\uff0c{y1}\uff09\uff0c\uff08{x2}\uff0c{y2}\uff09",
        f'{{"bbox_2d": [{x1}, {y1}, {x2}, {y2}], "label": "cup"}}',
        f"[{x1}, {y1}, {x2}, {y2}]",
    )
    return rng.choice(forms[:1] * 20 + forms)


def _answer(rng: Random, truth: tuple[int, int, int, int], extent: tuple[int, int]) -> str:
    near = tuple(max(0, min(value + rng.randint(-30, 30), end)) for value, end in zip(truth, extent * 2, strict=True))
    (a, b, c, d) = near
    boxes = [
        _written(rng, rng.choice((truth, (a, b, c, d), _box(rng, extent))))
        for _ in range(rng.choice((1, 1, 1, 1, 1, 2)))
    ]
    body = rng.choice((", ", "; ", " ", "\n")).join(boxes)
    return rng.choice(
        (body, body, body, body, body, rng.choice(_WORDS), rng.choice(_WORDS) + body, body + rng.choice(_WORDS))
    )


def _samples() -> Iterator[Sample]:
    rng = Random("published rows of grounding")
    for number in range(ROWS):
        extent = _EXTENTS[number % 2]
        truth = _box(rng, extent)
        answer = _answer(rng, truth, extent)
        response = rng.choice(
            (
                *[f"<think> I see it. </think> <answer>{answer}</answer>"] * 6,
                f"<think> ... </think><answer> {answer} </answer>",
                f"<answer>{answer}</answer>",
                f"<think> a </think> {answer}",
                f"<think> {answer} </think>",
                answer,
            )
        )
        content = {"box": list(truth), "extent": list(extent), "think": number % 3 != 0}
        yield make_sample("grounding", response, content)


def _digest(lines: Iterator[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _read(sample: Sample) -> str:
    answer = sample.answer
    marks = load_task("grounding").marks(answer)
    found = sorted(finding.value for finding in load_task("grounding").find(answer, sample.truth))
    counts = load_task("grounding").counts(answer, sample.truth)
    says = load_task("grounding").says(answer, sample.truth)
    return repr((answer.outcome.value, answer.reason, [mark.box for mark in marks], found, counts, says))


@pytest.mark.parametrize(
    ("reward", "digest"),
    [
        ("robust", "939b5e22a104f1054dc5283704caa222a2eca7522933a82a1496ae542a10905d"),
        ("paper", "0e768fe727203c92ac332c09b8a4710920681675a00d0163697ef3d915799f62"),
        ("iou=1", "aa81541d267d618c4631bb55a33237f9a324b16e836f26d8121e529e9f6b6528"),
        ("giou=1", "c62287457cc32c053af7112c9ac860e9b4858bf6087a5b8146bb4b1f201a8ce1"),
        ("diou=1", "66712be2f687d38098b718c488875f0c9d010a4b30843e5b9665f6e7cacec03c"),
        ("l1=1", "2c573e18f759209ab27401823b0a3b1ffa7842534523aa7153c23a86a67553b0"),
        ("format=1", "ebec228374ac745ba8b5c9b664f5df572b6baa24b1bb307381dc107cb6af3adc"),
    ],
)
def test_what_answers_earn(reward: str, digest: str) -> None:
    scored = load_reward(reward)
    assert _digest(repr(sorted(scored(sample).items())) for sample in _samples()) == digest


def test_what_the_published_code_pays() -> None:
    reference = Reference(symbolic_check=False)
    lines = (repr(sorted(reference(sample.response, sample.truth).items())) for sample in _samples())
    assert _digest(lines) == "db2ceac2a82e59d3d4a90db28f97b5e640848e05cc26112bd203333197726e03"


def test_how_answers_are_read() -> None:
    assert _digest(map(_read, _samples())) == "2baa3374d5398c86c28ab2bebbeaf2ddc4e55132959cf19efed15705cb877e38"


def test_mean_iou_while_a_run_trains() -> None:
    figures = metrics_of(load_task("grounding")).quick([("", sample) for sample in _samples()])
    assert figures == {"miou": 30.118591248402904}
