# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""`visual-rft data prepare mg` on a miniature in the original layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from prepared_sets import categories_of, prepare, prepared

from verl_visual_rft.datasets.category_lists import MG5
from verl_visual_rft.miniature.originals import write_fake


@pytest.fixture(scope="module")
def mg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("original") / "mg"
    write_fake("mg", root)
    return root


@pytest.mark.parametrize("shots", [4, 16])
def test_mg_has_as_many_rows_of_each_category_as_shots(mg: Path, tmp_path: Path, shots: int) -> None:
    prepared("mg", "--root", mg, "--out", tmp_path, "--shots", str(shots))
    assert categories_of(tmp_path / "train.parquet") == dict.fromkeys(MG5, shots)
    assert categories_of(tmp_path / "val.parquet").keys() == {*MG5}


def test_mg_says_that_it_was_never_published_and_how_many_pictures_there_are(mg: Path, tmp_path: Path) -> None:
    assert "never published" in " ".join(prepare("mg", "--help").stdout.split())
    done = prepare("mg", "--root", mg, "--out", tmp_path / "out", "--shots", "99")
    assert done.returncode == 2
    assert "'slime' has 16" in done.stderr
