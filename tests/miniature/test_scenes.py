# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from PIL import Image, ImageChops

from verl_visual_rft.errors import UserError
from verl_visual_rft.miniature import scenes as drawn
from verl_visual_rft.miniature.scenes import ARTISTS, SIDE, scenes
from verl_visual_rft.miniature.things import BASE, FACTS, KINDS, NAMES, NOVEL, THINGS


def content(scene: drawn.Scene) -> tuple[object, ...]:
    return scene.image.tobytes(), scene.names, scene.boxes, tuple(mask.tobytes() for mask in scene.masks)


def test_the_same_seed_gives_the_same_pictures_and_another_seed_others() -> None:
    first, again, other = ([content(scene) for scene in scenes(20, seed)] for seed in (3, 3, 4))
    assert first == again
    assert not set(first) & set(other)


@pytest.mark.parametrize("artist", ARTISTS)
def test_a_box_holds_what_is_seen_and_is_as_large_as_a_thing_that_nothing_covers(artist: str) -> None:
    counts = set()
    for scene in scenes(200, 0, artist):
        counts.add(len(scene.names))
        assert scene.image.size == (SIDE, SIDE) and scene.image.mode == "RGB"
        for box, mask in zip(scene.boxes, scene.masks, strict=True):
            seen = mask.getbbox()
            assert seen and 0 <= box[0] <= seen[0] and box[1] <= seen[1]
            assert seen[2] <= box[2] <= SIDE and seen[3] <= box[3] <= SIDE
            assert set(mask.tobytes()) <= {0, 255}
        assert scene.masks[-1].getbbox() == scene.boxes[-1]  # nothing lies on the last one
    assert counts == {1, 2, 3}


def test_no_pixel_is_of_two_things_and_no_thing_is_covered_by_more_than_it_may() -> None:
    for scene in scenes(200, 1):
        alone = scenes_one_by_one(scene)
        for number, (mask, whole) in enumerate(zip(scene.masks, alone, strict=True)):
            for other in scene.masks[:number]:
                assert ImageChops.multiply(mask, other).getbbox() is None
            assert pixels(mask) >= (1 - drawn._MOST_COVERED) ** 2 * whole  # by two things, one after the other


def scenes_one_by_one(scene: drawn.Scene) -> list[int]:
    """Return how many pixels each thing of a scene has if nothing lies on it."""
    wholes = []
    for name, box in zip(scene.names, scene.boxes, strict=True):
        sizes = [drawn._sprite("fluent", name, length) for length in drawn.LENGTHS]
        (sprite,) = {s.size: s for s in sizes if s.size == (box[2] - box[0], box[3] - box[1])}.values()
        wholes.append(pixels(sprite.getchannel("A").point(drawn._solid)))
    return wholes


def pixels(mask: Image.Image) -> int:
    return mask.histogram()[255]


@pytest.mark.parametrize("artist", ARTISTS)
def test_every_thing_has_its_drawing_and_nothing_else_lies_there(artist: str) -> None:
    assert {path.stem for path in (drawn.PICTURES / artist).iterdir()} == set(NAMES)
    for name in NAMES:
        sprite = drawn._sprite(artist, name, 64)
        assert max(sprite.size) in (63, 64)
        assert sprite.getchannel("A").point(drawn._solid).getbbox() == (0, 0, *sprite.size)


def test_fewer_names_and_fewer_things() -> None:
    chosen = [scene.names for scene in scenes(50, 0, most_things=1, names=("dog", "car"))]
    assert set(chosen) == {("dog",), ("car",)}


@pytest.mark.parametrize("damaged", [None, b"", b"RIFF", b"\0" * 100])
def test_a_picture_that_is_missing_or_damaged_is_one_line(damaged, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(drawn, "PICTURES", tmp_path)
    drawn._sprite.cache_clear()
    if damaged is not None:
        (tmp_path / "fluent").mkdir()
        (tmp_path / "fluent" / "dog.webp").write_bytes(damaged)
    with pytest.raises(UserError, match=r"dog\.webp: a picture of this package is missing or damaged .*install"):
        next(scenes(1, 0, names=("dog",)))


def test_things_are_of_three_kinds_and_a_quarter_is_novel() -> None:
    assert len(THINGS) == len(set(NAMES)) == len({thing.code_point for thing in THINGS}) == 48
    assert len(NOVEL) == 12 and set(BASE) | set(NOVEL) == set(NAMES)
    for kind in KINDS:
        assert sum(thing.kind == kind for thing in THINGS) == 16
        assert sum(thing.kind == kind and thing.novel for thing in THINGS) == 4


def test_a_fact_is_true_or_open_of_things_of_its_kind_alone() -> None:
    kinds = {thing.name: thing.kind for thing in THINGS}
    assert len({(fact.kind, fact.words) for fact in FACTS}) == len(FACTS)
    for fact in FACTS:
        assert fact.true and not fact.true & fact.open
        assert {kinds[name] for name in fact.true | fact.open} == {fact.kind}


@pytest.mark.parametrize("source", ["fluent", "noto", "fashion"])
def test_pictures_have_their_licence(source: str) -> None:
    assert "without limitation" in (drawn.PICTURES / f"LICENSE.{source}").read_text() or source == "noto"
    assert f"{source}/" in (drawn.PICTURES.parents[2] / "NOTICE").read_text()


@pytest.mark.parametrize(("split", "columns"), [("pretraining", 100), ("train", 16), ("val", 30)])
def test_clothes_are_a_row_of_tiles_for_each_class_and_none_is_in_two_splits(split: str, columns: int) -> None:
    assert Image.open(drawn.PICTURES / f"fashion/{split}.png").size == (28 * columns, 280)
    others = {name for name in ("pretraining", "train", "val") if name != split}
    assert len(tiles(split)) == columns * 10
    for other in others:
        assert not tiles(split) & tiles(other)


def tiles(split: str) -> set[bytes]:
    sheet = Image.open(drawn.PICTURES / f"fashion/{split}.png")
    corners = ((x, y) for x in range(0, sheet.width, 28) for y in range(0, sheet.height, 28))
    return {sheet.crop((x, y, x + 28, y + 28)).tobytes() for x, y in corners}
