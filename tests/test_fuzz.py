# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Damaged responses through every parser and every reward of ours: finite, within range, no exception.

Each is answer to a question of every task: 60 000 answers with every change, 2 040 000 in the long run.
"""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from ours import OUR_COMPONENTS as COMPONENTS
from ours import OUR_TASKS

from verl_visual_rft.answers import Outcome
from verl_visual_rft.rewards import load_reward, score
from verl_visual_rft.tasks.registry import load_task
from verl_visual_rft.tasks.sample import make_sample

SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 68))]
RESPONSES_PER_SEED = 5_000

#: Every named reward of ours, and one that has all components.
REWARDS = [load_reward(name) for name in ("paper", "robust", "robust-1", ",".join(f"{name}=1" for name in COMPONENTS))]
TRUTHS = {
    "detection": [
        '{"boxes": []}',
        '{"boxes": [[100, 150, 300, 350]]}',
        '{"boxes": [[0, 0, 1000, 1000], [10, 20, 30, 40], [500, 500, 501, 501]]}',
    ],
    "classification": [
        '{"label": "rose"}',
        '{"label": "pink_primrose", "labels": ["pink_primrose", "rose", "737-200"], "aliases": {"rose": ["rosa"]}}',
    ],
    "grounding": [
        '{"box": [400, 400, 600, 600]}',
        '{"box": [0, 0, 1000, 1000]}',
        '{"boxes": []}',
        '{"boxes": [[400, 400, 600, 600], [0, 0, 1000, 1000]]}',
    ],
    "counting": ['{"count": 0}', '{"count": 2}', '{"count": 737}'],
    "pointing": [
        '{"targets": []}',
        '{"targets": [{"box": [100, 150, 300, 350]}]}',
        '{"targets": [{"point": [500, 500], "radius": 20}, {"polygon": [[0, 0], [1000, 0], [0, 1000]]}]}',
    ],
    "labelled_detection": [
        '{"categories": ["rose", "tulip"], "objects": []}',
        '{"categories": ["rose"], "objects": [{"bbox_2d": [100, 150, 300, 350], "label": "rose"}]}',
        '{"categories": ["face", "rose"], "objects": [{"bbox_2d": [1, 2, 30, 40], "label": "face"}, '
        '{"bbox_2d": [500, 600, 700, 800], "label": "rose"}]}',
    ],
}

# What models write, whole: the mutations below take it apart.
RESPONSES = [
    "<think> A cat on the left. </think> <answer>[{'Position': [110, 160, 300, 350], 'Confidence': 0.9}]</answer>",
    '<think>\nTwo.\n</think>\n<answer>\n[\n  {"Position": [1, 2, 30, 40], "Confidence": 1.0},\n  {"Position": '
    '[500.5, 600, 700, 800], "Confidence": 0.25}\n]\n</answer>\n',
    "<think> ... </think> <answer>[{'Position': [x1, y1, x2, y2], 'Confidence': number}, ...]</answer>",
    "<think>There is no face.</think><answer>No Objects</answer>",
    "<think>None here.</think>\n<answer>['No Objects']</answer>",
    '<answer>```json\n[{"bbox_2d": [223, 57, 597, 316], "label": "face"}]\n```</answer>',
    "<think> I count. </think> <answer>[{'Position': [20, 650, 270, 700], 'Confidence': 0.85}, {'Position': [270, 65",
    "<think> The tool. </think>\n<answer>(624,796),(814,996)</answer>",
    "<think> in <answer>x</answer> tags </think> <answer> ( 400 , 400 ) , ( 600 , 600 ) </answer>",
    "<think> Pink petals. </think> <answer>pink primrose</answer>",
    "<think> rose or tulip? </think>\n<answer>\n Rosa \n</answer>",
    "<think>a</think> {'position': (1, 2, 3, 4), 'confidence': '90%'}",
    '<think> Two. </think> <answer>[{"point_2d": [220, 187], "label": "rose"}, {"point_2d": [500.5, 1]}]</answer>',
    "<think> One cup, two cups. </think> <answer>twenty-one</answer>",
    "<think> I count. </think>\n<answer> 3 </answer>",
    '<think> Two. </think> <answer>[{"bbox_2d": [1, 2, 30, 40], "label": "face"}, '
    '{"bbox_2d": [500, 600, 700, 800], "label": "rose"}]</answer>',
    "system\nUse <think> </think> and <answer> </answer> tags.\nassistant\n<think> b </think><answer>737-200</answer>",
]
FRAGMENTS = [
    *("<think>", "</think>", "<answer>", "</answer>", "<thinking>", "<|im_end|>", "\\end{answer}"),
    *("[", "]", "{", "}", "(", ")", "'", '"', ",", ":", ", ", "...", "\u2026", "\\", "```", "%", "\n", "\t", " " * 20),
    *("'Position': ", "'Confidence': ", '"bbox_2d": ', "Position", "CONFIDENCE: ", "[[[[", "}}}}", "(1,2),", "),("),
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e-999", "null", "true", "-1", "1001", "0", "00012", "0x1F", "1_000"),
    *("9" * 400, "0." + "3" * 60, "5e-324", ".", "-", "e", "\u0661\u0662", "\u00bd", "\uff11", "\u221e"),
    *("No Objects", "no object", "None", "[]", "{}", "rose", "the rose.", "a rose or a tulip", "737", "\u540d\u5b57"),
    *("\0", "\ud800", "\U0001f600", "\u200b", "\u2028", "\u0130", "\u00df", "e\u0301", "\ufb01", "\u202e"),
]


def damaged(rng: random.Random) -> str:
    """One or two responses spliced, then damaged in up to six places."""
    response = rng.choice(RESPONSES)
    if rng.random() < 0.3:
        other = rng.choice(RESPONSES)
        response = response[: rng.randrange(len(response))] + other[rng.randrange(len(other)) :]
    for _ in range(rng.randrange(7)):
        start = rng.randrange(len(response) + 1)
        end = min(len(response), start + rng.choice((0, 0, 1, 1, 2, 5, 20, 200)))
        response = response[:start] + replacement(rng, response[start:end]) + response[end:]
    return response


def replacement(rng: random.Random, cut: str) -> str:
    """What stands in the place of a piece that is cut out."""
    kind = rng.randrange(6)
    if kind == 0:
        return ""
    if kind == 1:
        return cut * rng.choice((2, 3, 30))
    if kind == 2:
        return str(rng.choice((rng.randrange(-10, 1100), round(rng.uniform(-1, 2), 2), rng.random() * 1000)))
    if kind == 3:
        corners = [rng.randrange(1001) for _ in range(4)]
        return f"{{'Position': {corners}, 'Confidence': {rng.random():.2f}}}"
    return "".join(rng.choices(FRAGMENTS, k=rng.choice((1, 1, 2, 8))))


def test_every_task_is_here() -> None:
    assert set(TRUTHS) == set(OUR_TASKS)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_response_gives_finite_rewards(seed: int) -> None:
    rng = random.Random(seed)
    tasks = {name: load_task(name) for name in TRUTHS}
    outcomes: dict[str, Counter[Outcome]] = {name: Counter() for name in tasks}
    for number in range(RESPONSES_PER_SEED):
        response = damaged(rng)
        try:
            for name in tasks:
                truth = rng.choice(TRUTHS[name])
                outcomes[name][make_sample(name, response, truth).answer.outcome] += 1
                for reward in (reward for reward in REWARDS if name in reward.ranges):
                    result = score(name, response, truth, reward)
                    assert math.isfinite(sum(result.values())), result
                    low, high = reward.ranges[name]
                    assert low - 1e-9 <= result["score"] <= high + 1e-9, result
        except Exception as error:
            raise AssertionError(f"seed {seed}, response {number}: {response!r}") from error
    for name, task in tasks.items():  # the damage leaves something of every kind
        assert outcomes[name].total() == RESPONSES_PER_SEED
        assert set(outcomes[name]) == set(Outcome) - (set() if task.may_be_nothing else {Outcome.NO_OBJECTS})
