# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures with one to three drawn things on them, made from a seed.

Things have any size and place, and may cover each other in part. What is known of a thing is exact, for it comes from
the drawing's alpha: its box is around all of it, its mask has the pixels that are seen.

A transformer as small as the quick start's, whose rotary embedding carries relative position only, cannot localise on
plain surfaces: the background betrays position (red rises with x, green with y) as far as ``POSITION`` says, and has a
texture of its own for the rest.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageChops

from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import open_picture
from verl_visual_rft.miniature.things import NAMES

PICTURES = Path(__file__).parent / "pictures"
ARTISTS = ("fluent", "noto")

SIDE = 112  # pixels: 16 visual tokens of Qwen2-VL
LENGTHS = tuple(range(32, 73, 4))  # pixels of a thing's longer side
POSITION = 0.75  # share of the background that betrays position
_COUNT_WEIGHTS = (4, 4, 2)  # of one, two and three things
_REPEAT = 0.2  # chance that a further thing is another one of the kind before it
_MOST_COVERED = 0.4  # share of a thing's pixels
_SEEN = 128  # alpha from which a pixel is the thing's
_TRIES = 20

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Scene:
    """One picture and what is on it.

    Attributes:
        image: RGB, `SIDE` by `SIDE`.
        names: What each thing is called; later ones lie on top.
        boxes: Around each thing, covered parts included: ``(x1, y1, x2, y2)`` in pixels, right and lower edge
            exclusive.
        masks: Which pixels of each thing are seen: mode "L", 255 or 0.
    """

    image: Image.Image
    names: tuple[str, ...]
    boxes: tuple[Box, ...]
    masks: tuple[Image.Image, ...]


def scenes(
    count: int,
    seed: int,
    artist: str = "fluent",
    most_things: int = len(_COUNT_WEIGHTS),
    names: Sequence[str] = NAMES,
    position: float = POSITION,
) -> Iterator[Scene]:
    """Yield ``count`` pictures with one to ``most_things`` things each; the same seed gives the same pictures.

    Raises:
        UserError: The pictures that this package brings are missing or damaged.

    Example:
        >>> scene = next(scenes(1, seed=0))
        >>> scene.image.size
        (112, 112)
    """
    rng = random.Random(f"scenes-{seed}")
    for _ in range(count):
        yield _scene(rng, artist, most_things, names, position)


def _scene(rng: random.Random, artist: str, most_things: int, names: Sequence[str], position: float) -> Scene:
    image = _background(rng, position)
    listed: list[str] = []
    boxes: list[Box] = []
    masks: list[Image.Image] = []
    weights = _COUNT_WEIGHTS[:most_things]
    for _ in range(rng.choices(range(1, len(weights) + 1), weights)[0]):
        name = listed[-1] if listed and rng.random() < _REPEAT else rng.choice(names)
        placed = _place(rng, _sprite(artist, name, rng.choice(LENGTHS)), masks)
        if placed is None:
            break
        sprite, box, mask = placed
        image.paste(sprite, box[:2], sprite)
        masks = [ImageChops.subtract(other, mask) for other in masks]
        listed.append(name)
        boxes.append(box)
        masks.append(mask)
    return Scene(image, tuple(listed), tuple(boxes), tuple(masks))


def _place(
    rng: random.Random, sprite: Image.Image, masks: Sequence[Image.Image]
) -> tuple[Image.Image, Box, Image.Image] | None:
    """Return the thing where it covers none of those below it too much, with box and mask; None if there is no room."""
    for _ in range(_TRIES):
        x, y = rng.randint(0, SIDE - sprite.width), rng.randint(0, SIDE - sprite.height)
        mask = Image.new("L", (SIDE, SIDE))
        mask.paste(sprite.getchannel("A").point(_solid), (x, y))
        if all(_covered(other, mask) <= _MOST_COVERED for other in masks):
            return sprite, (x, y, x + sprite.width, y + sprite.height), mask
    return None


def _covered(below: Image.Image, above: Image.Image) -> float:
    """Share of what is seen of a thing that another would cover."""
    return _pixels(ImageChops.multiply(below, above)) / _pixels(below)


def _pixels(mask: Image.Image) -> int:
    return mask.histogram()[255]


def _solid(alpha: int) -> int:
    return 255 if alpha >= _SEEN else 0


@cache
def _sprite(artist: str, name: str, length: int) -> Image.Image:
    """Return a drawing, its longer side ``length`` pixels and nothing around it that is not seen."""
    try:
        drawing = open_picture(PICTURES / artist / f"{name}.webp").convert("RGBA")
    except (OSError, UserError) as error:
        raise UserError(
            f"{PICTURES / artist / name}.webp: a picture of this package is missing or damaged ({error}); "
            "install the package again"
        ) from error
    scale = length / max(drawing.size)
    size = (max(1, round(drawing.width * scale)), max(1, round(drawing.height * scale)))
    scaled = drawing.resize(size, Image.Resampling.LANCZOS)
    return scaled.crop(scaled.getchannel("A").point(_solid).getbbox())


def _background(rng: random.Random, position: float) -> Image.Image:
    texture = Image.new("RGB", (4, 4))
    texture.putdata([tuple(rng.randint(60, 220) for _ in range(3)) for _ in range(16)])
    return Image.blend(texture.resize((SIDE, SIDE), Image.Resampling.BICUBIC), _ramps(), position)


@cache
def _ramps() -> Image.Image:
    ramp = Image.linear_gradient("L").resize((SIDE, SIDE)).point(lambda value: 40 + value * 160 // 255)
    return Image.merge("RGB", (ramp.rotate(90), ramp, Image.new("L", (SIDE, SIDE), 120)))
