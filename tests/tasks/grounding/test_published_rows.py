# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Questions about one box stay what they were before there were others: how answers are read and what they earn.

The digests were taken with the code of before (commit cced685). Since then three of the thousand answers, an object
with a pair of corners behind it, are read as the object: a pair may stand in its label.
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
        ("robust", "0f34414ba6e9e693f7353af9b122668a8d431d0b1891a0a72fa06a64e884a602"),
        ("paper", "e0723b41c0c6d4b2dcefebe9cd03f4d15313d9454ccb6bb67a467336b460be87"),
        ("iou=1", "62b5b70474765c6b5049096660d990b6ffd0be60a768f15c751471ab236b8fcd"),
        ("giou=1", "c980b5eb820b38c315b41ad6f4540abb0b37ad71a2250fa14047ae6dff80f06b"),
        ("diou=1", "581bb6751b40c672d1ff5db050f5ff8cb4ec4952cbed3787b68c298a8050c294"),
        ("l1=1", "492c708e9061c9eb182ac2a635bd9dd0a3e4b730db43550ed0f48aa18f292e27"),
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
    assert _digest(map(_read, _samples())) == "991b703c6ec061393ec3625dfe37f76c3d2a0dbc5252310d16da491b0b59c8c8"


def test_mean_iou_while_a_run_trains() -> None:
    figures = metrics_of(load_task("grounding")).quick([("", sample) for sample in _samples()])
    assert figures == {"miou": 30.055008311159582}
