# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The published sets, read by the package that the published training scripts read them with."""

import ast

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.miniature.originals.virft_hub import FLOWERS, SHOTS
from verl_visual_rft.tasks import read_truth

datasets = pytest.importorskip("datasets")

SETS = {
    "ViRFT_COCO_8_cate_4_shot": ("detection", 8 * SHOTS),
    "ViRFT_CLS_flower_4_shot": ("classification", len(FLOWERS) * SHOTS),
}


@pytest.mark.parametrize(("name", "rows"), [(name, rows) for name, (_, rows) in SETS.items()])
def test_published_and_saved_form_hold_the_same_rows(name, rows, fake, tmp_path):
    root = fake("virft_hub")
    files = sorted(str(path) for path in (root / name / "data").iterdir())
    published = datasets.load_dataset("parquet", data_files={"train": files}, cache_dir=str(tmp_path))["train"]
    saved = datasets.load_from_disk(str(root / f"{name}_saved"))["train"]
    assert published.column_names == saved.column_names == ["image", "problem", "solution"]
    assert len(published) == len(saved) == rows
    for ours, theirs in zip(published, saved, strict=True):
        assert ours["image"].mode == theirs["image"].mode == "RGBA"
        assert ours["image"].tobytes() == theirs["image"].tobytes()
        assert (ours["problem"], ours["solution"]) == (theirs["problem"], theirs["solution"])


def test_solutions_are_truths_but_for_one_box_without_width(fake):
    refused, empty = [], 0
    for name, (task, _) in SETS.items():
        for row in datasets.load_from_disk(str(fake("virft_hub") / f"{name}_saved"))["train"]:
            try:
                empty += getattr(read_truth(task, row["solution"]), "boxes", None) == ()
            except UserError:
                refused.append(row["solution"])
    (solution,) = refused
    x1, _, x2, _ = ast.literal_eval(solution.removeprefix("<answer>").removesuffix("</answer>"))[0]["Position"]
    assert x1 == x2
    assert empty == 1
