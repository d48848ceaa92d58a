# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Which file of a folder a listed name means."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from verl_visual_rft.datasets.file_names import find_file

ACCENT = "caf\u00e9.jpg"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("1.jpg", "images/a.jpg", "my cat.jpg", "100%20.jpg", ACCENT, "back\\slash.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "outside.jpg").touch()
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ("1.jpg", "1.jpg"),
        ("images/a.jpg", "images/a.jpg"),
        ("images\\a.jpg", "images/a.jpg"),
        (".\\images\\a.jpg", "./images/a.jpg"),
        ("..\\..\\label-studio\\media\\upload\\4\\1.jpg", "1.jpg"),
        ("C:\\Users\\me\\export\\images\\a.jpg", "images/a.jpg"),
        ("/home/me/export/images/a.jpg", "images/a.jpg"),
        ("/data/local-files/?d=images/a.jpg", "images/a.jpg"),
        ("my%20cat.jpg", "my cat.jpg"),
        ("100%20.jpg", "100%20.jpg"),  # the name as it stands comes first
        ("back\\slash.jpg", "back\\slash.jpg"),
        (unicodedata.normalize("NFD", ACCENT), ACCENT),
        (unicodedata.normalize("NFD", "x/" + ACCENT), ACCENT),
        ("2.jpg", None),
        ("../outside.jpg", None),
        ("images/../../outside.jpg", None),
        ("", None),
        ("images", None),
        ("a\0b.jpg", None),
        ("x" * 5000, None),
        ("\ud800.jpg", None),
    ],
)
def test_a_name_is_found_however_tools_spell_it(folder: Path, listed: str, found: str | None) -> None:
    assert find_file(folder, listed) == found


def test_a_whole_path_means_the_file_that_is_there(folder: Path) -> None:
    assert find_file(folder, str(folder / "images/a.jpg")) == "images/a.jpg"
    assert find_file(folder, f"{folder}/images/../1.jpg") == "1.jpg"
    elsewhere = folder.parent / "elsewhere/images/a.jpg"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.touch()
    assert find_file(folder, str(elsewhere)) == "images/a.jpg"  # as if it came from another machine
    assert find_file(folder, f"{folder}/../outside.jpg") is None


@pytest.mark.parametrize("given", ["photos", "link"])
@pytest.mark.parametrize("listed", ["photos", "link"])
def test_a_whole_path_may_lead_through_a_link(folder: Path, given: str, listed: str) -> None:
    (folder.parent / "link").symlink_to(folder)
    assert find_file(folder.parent / given, str(folder.parent / listed / "images/a.jpg")) == "images/a.jpg"


def test_a_link_in_the_folder_keeps_its_name(folder: Path) -> None:
    (folder / "b.jpg").symlink_to(folder / "images/a.jpg")
    assert find_file(folder, str(folder / "b.jpg")) == "b.jpg"
