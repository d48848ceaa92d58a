# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Three recipes that differ most, every stage in miniature; scripts/smoke_all.sh runs all of them."""

import json

import pytest
from pipeline import run

pytestmark = pytest.mark.e2e

RUNS = [
    ("flowers102_2b", "sft", {"."}, "Table 2:"),
    pytest.param("lisa_2b", "rft", {"val", "test"}, "Table 6:", marks=pytest.mark.long),
    pytest.param("coco_ovd_2b", "rft", {"coco", "lvis"}, "Table 8:", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("recipe", "method", "sets", "table"), RUNS)
def test_a_recipe_runs_from_original_files_to_the_papers_table_and_is_not_done_twice(
    tmp_path, recipe, method, sets, table
):
    out = tmp_path / "out"
    command, variables = ["bash", f"recipes/{recipe}.sh"], {"SMOKE": "1", "METHOD": method, "OUTPUT_DIR": str(out)}
    assert table in run(*command, **variables)
    metrics = {
        str(path.parent.relative_to(out / "eval" / method)): json.loads(path.read_text())
        for path in out.rglob("metrics.json")
    }
    assert metrics.keys() == sets
    assert all(figures["n"] > 0 for figures in metrics.values())
    assert json.loads((out / "eval" / method / "run.json").read_text())["recipe"]["method"] == method

    again = run(*command, **variables)
    assert table in again
    titles = [line for line in again.splitlines() if line.startswith("[")]
    made = [title for title in titles if not title.endswith("done before, reused")]
    assert all("report" in title or "table" in title for title in made) and len(made) < len(titles)
