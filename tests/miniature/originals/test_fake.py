# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest
from PIL import Image

from verl_visual_rft.errors import UserError
from verl_visual_rft.miniature.originals import FAKES, write_fake
from verl_visual_rft.miniature.originals.pets37 import DAMAGED_TAIL


def contents(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", FAKES)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(name, tmp_path, fake):
    write_fake(name, tmp_path / "same")
    write_fake(name, tmp_path / "other", seed=1)
    assert contents(tmp_path / "same") == contents(fake(name))
    assert contents(tmp_path / "other") != contents(fake(name))


@pytest.mark.parametrize("name", FAKES)
def test_it_is_small_and_every_picture_but_the_damaged_one_is_whole(name, fake):
    files = [path for path in fake(name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_000_000
    for path in files:
        if path.suffix in (".jpg", ".png") and path.stem != DAMAGED_TAIL:
            with Image.open(path) as image:
                image.load()
                assert max(image.size) <= 160


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(UserError, match="'flowers'; there are cars196, coco, .*flowers102"):
        write_fake("flowers", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(UserError, match="holds something already"):
        write_fake("mg", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_a_killed_run_left_is_replaced_and_an_empty_folder_taken(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial" / "half.jpg").write_text("")
    write_fake("mg", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["annotations", "train", "val"]
    assert not (tmp_path / "out.partial").exists()


def test_a_folder_that_cannot_be_made_is_an_error_of_the_user(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_fake("mg", tmp_path / "file" / "out")
