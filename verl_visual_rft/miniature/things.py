# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The drawn things of the miniature pictures, and what everybody knows of them.

48 animals, foods and vehicles, each drawn by two artists (`NOTICE`): fine-tuning sees one of them, the other is a
change of domain. 12 are novel: they occur in no fine-tuning sample, as 15 of COCO's categories do in the paper.

A fact is true of some things, false of others, and open where people would argue; an instruction that goes by a fact is
never given where an open thing is in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("animal", "food", "vehicle")


@dataclass(frozen=True)
class Thing:
    """Something that is drawn.

    Attributes:
        name: What people call it.
        kind: One of `KINDS`.
        code_point: Its emoji, by which both artists' packages name their drawings.
        novel: Whether fine-tuning never sees it.
    """

    name: str
    kind: str
    code_point: str
    novel: bool = False


@dataclass(frozen=True)
class Fact:
    """What tells things of a kind apart by knowledge.

    Attributes:
        kind: The kind that is asked about.
        words: What follows "the animal": "that gives milk".
        true: Names of the things of this kind of which it is true.
        open: Names of those of which people would argue. Of all others it is false.
    """

    kind: str
    words: str
    true: frozenset[str]
    open: frozenset[str]


def _things(kind: str, base: str, novel: str) -> tuple[Thing, ...]:
    return tuple(
        Thing(name, kind, code_point, listed is novel)
        for listed in (base, novel)
        for name, code_point in (entry.split(":") for entry in listed.split())
    )


def _fact(kind: str, words: str, true: str, open: str = "") -> Fact:
    return Fact(kind, words, frozenset(true.split()), frozenset(open.split()))


THINGS = (
    *_things(
        "animal",
        "dog:1f415 cat:1f408 cow:1f404 pig:1f416 sheep:1f411 chicken:1f414 frog:1f438 elephant:1f418 penguin:1f427 "
        "fish:1f41f turtle:1f422 bee:1f41d",
        "horse:1f40e rabbit:1f407 owl:1f989 duck:1f986",
    ),
    *_things(
        "food",
        "apple:1f34e banana:1f34c grapes:1f347 watermelon:1f349 pineapple:1f34d carrot:1f955 corn:1f33d bread:1f35e "
        "cheese:1f9c0 pizza:1f355 cookie:1f36a cherries:1f352",
        "strawberry:1f353 lemon:1f34b hamburger:1f354 broccoli:1f966",
    ),
    *_things(
        "vehicle",
        "car:1f697 bus:1f68c taxi:1f695 tractor:1f69c bicycle:1f6b2 train:1f682 airplane:2708-fe0f rocket:1f680 "
        "sailboat:26f5 ship:1f6a2 ambulance:1f691 scooter:1f6f4",
        "truck:1f69a motorcycle:1f3cd-fe0f helicopter:1f681 canoe:1f6f6",
    ),
)
NAMES = tuple(thing.name for thing in THINGS)
BASE = tuple(thing.name for thing in THINGS if not thing.novel)
NOVEL = tuple(thing.name for thing in THINGS if thing.novel)

FACTS = (
    _fact("animal", "that gives milk", "cow", open="sheep horse"),
    _fact("animal", "that gives wool", "sheep", open="rabbit"),
    _fact("animal", "that makes honey", "bee"),
    _fact("animal", "that barks", "dog"),
    _fact("animal", "with a trunk", "elephant"),
    _fact("animal", "with a shell", "turtle"),
    _fact("animal", "that can fly", "bee owl duck", open="chicken"),
    _fact("animal", "that is a bird", "chicken penguin owl duck"),
    _fact("animal", "that lays eggs", "chicken penguin owl duck frog fish turtle bee"),
    _fact("animal", "without legs", "fish"),
    _fact("animal", "that catches mice", "cat owl", open="dog"),
    _fact("animal", "that lives on ice", "penguin"),
    _fact("food", "that is a fruit", "apple banana grapes watermelon pineapple cherries strawberry lemon", open="corn"),
    _fact("food", "that is a vegetable", "carrot broccoli", open="corn watermelon"),
    _fact("food", "that is made from milk", "cheese", open="pizza hamburger cookie"),
    _fact("food", "that is baked", "bread pizza cookie", open="hamburger cheese"),
    _fact("food", "that is sour", "lemon", open="pineapple cherries grapes apple strawberry"),
    _fact("food", "that monkeys love", "banana", open="apple grapes pineapple cherries strawberry watermelon"),
    _fact("food", "that rabbits love", "carrot", open="apple broccoli strawberry banana"),
    _fact("food", "that mice love", "cheese", open="bread corn cookie pizza hamburger"),
    _fact("vehicle", "that can fly", "airplane rocket helicopter"),
    _fact("vehicle", "that floats on water", "sailboat ship canoe"),
    _fact("vehicle", "that runs on rails", "train"),
    _fact("vehicle", "with two wheels", "bicycle scooter motorcycle"),
    _fact("vehicle", "without wheels", "sailboat ship canoe rocket", open="airplane helicopter"),
    _fact("vehicle", "that takes people to hospital", "ambulance", open="helicopter taxi car bus"),
    _fact("vehicle", "that works in fields", "tractor", open="truck airplane helicopter"),
    _fact("vehicle", "that the wind drives", "sailboat"),
)
