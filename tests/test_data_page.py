# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""docs/data.md: its commands run as they stand, and it names every data set."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

from verl_visual_rft.datasets.box_forms import CUT
from verl_visual_rft.datasets.coco_layout import UNUSED
from verl_visual_rft.datasets.commands import DATA_SETS
from verl_visual_rft.datasets.doubled_boxes import DOUBLED
from verl_visual_rft.datasets.file_names import RESPELT

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "docs/data.md").read_text(encoding="utf-8")


def run_block(containing: str, folder: Path) -> str:
    (block,) = (code for code in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) if containing in code)
    tools = f'visual-rft() {{ "{sys.executable}" -c "from verl_visual_rft.cli import main; main()" "$@"; }}\n'
    tools += f'python() {{ "{sys.executable}" "$@"; }}\n'
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", tools + block],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_complete_example_gives_what_it_says(tmp_path: Path) -> None:
    output = run_block("run/desk/train.jsonl", tmp_path)
    assert "nothing to mend" in output
    rows = pq.read_table(tmp_path / "run/desk/data/train.parquet").to_pylist()
    assert [row["ability"] for row in rows] == ["detection"] * 3 + ["classification"] * 2 + ["grounding"]
    assert rows[0]["reward_model"]["ground_truth"] == '{"boxes": [[62, 125, 312, 458]]}'
    assert (tmp_path / "run/desk/train.html").stat().st_size > 1000


def test_a_miniature_is_prepared_as_the_page_says(tmp_path: Path) -> None:
    run_block("visual-rft data fake", tmp_path)
    assert (tmp_path / "run/flowers102_2shot/test.parquet").is_file()


def test_every_data_set_stands_in_the_table() -> None:
    rows = [line.split("|")[2] for line in PAGE.splitlines() if line.startswith("| ")]
    assert {name for name in DATA_SETS if not any(f"`{name}`" in row for row in rows)} == set()


def test_every_rule_by_which_something_is_mended_stands_on_the_page() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for room in ("datasets", "tasks")
        for path in (REPOSITORY / "verl_visual_rft" / room).rglob("*.py")
    ]
    rules = {rule for source in sources for rule in re.findall(r'Mend\(\s*"([^"]+)"', source)} | {
        CUT,
        DOUBLED,
        RESPELT,
        UNUSED,
    }
    assert len(rules) > 7
    assert {rule for rule in rules if f"`{rule}`" not in PAGE} == set()
