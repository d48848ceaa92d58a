# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
import io

import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.tables import FORMATS, compare, paper_table, read_measurements


@pytest.fixture
def comparison(write_run, detection):
    runs = [
        write_run("a", {"base": detection(9, 6, 6.7), "rft": detection(30, 20, 22.58)}),
        write_run("b", {"base": detection(10, 6, 6.7), "rft": detection(32, 20, 22.58)}),
    ]
    return compare(paper_table(7), read_measurements(runs))


def test_markdown(comparison):
    assert FORMATS["markdown"](comparison) == (
        "Table 7: Open-vocabulary detection on COCO (paper: Qwen2-VL-2B)\n\n"
        "|           |      base | paper |    Δ | + SFT | paper |    Δ | + Visual-RFT | paper |    Δ |\n"
        "| --------- | --------: | ----: | ---: | ----: | ----: | ---: | -----------: | ----: | ---: |\n"
        "| mAP novel | 9.5 ± 0.7 |   9.8 | −0.3 |     – |  13.6 |    – |   31.0 ± 1.4 |  31.3 | −0.3 |\n"
        "| mAP base  | 6.0 ± 0.0 |   6.0 | +0.0 |     – |   7.8 |    – |   20.0 ± 0.0 |  20.6 | −0.6 |\n"
        "| mAP all   | 6.7 ± 0.0 |   6.7 | +0.0 |     – |   8.9 |    – |   22.6 ± 0.0 |  22.6 | +0.0 |\n"
        "\nIn percent, ± standard deviation over 2 runs. "
        "Paper: AP on COCO val2017; trained on 65 base categories, novel are the other 15.\n"
    )


def test_settings_of_the_runs_stand_below_the_table(write_run, detection):
    run = write_run("a", {"base": detection(9, 6, 6.7), "sft": detection(12, 8, 9)})
    (run / "eval" / "sft" / "run.json").write_text('{"recipe": {"label": "+ SFT (LoRA 8, answers alone)"}}')
    text = FORMATS["markdown"](compare(paper_table(7), read_measurements([run])))
    assert "Measured: + SFT (LoRA 8, answers alone). Paper:" in text


def test_a_description_without_a_label_is_refused(write_run, detection):
    run = write_run("a", {"sft": detection(12, 8, 9)})
    (run / "eval" / "sft" / "run.json").write_text('{"recipe": []}')
    with pytest.raises(UserError, match=r"run.json: no 'label' in 'recipe'"):
        read_measurements([run])


def test_csv_reads_back(comparison):
    lines = list(csv.DictReader(io.StringIO(FORMATS["csv"](comparison))))
    assert len(lines) == 9
    first, second = lines[0], lines[1]
    assert (first["table"], first["model"], first["shots"], first["column"], first["method"]) == (
        *("7", "2b", "", "mAP novel", "base"),
    )
    assert (float(first["measured"]), float(first["sd"]), first["runs"]) == (9.5, pytest.approx(0.5**0.5), "2")
    assert (first["paper"], float(first["difference"])) == ("9.8", pytest.approx(-0.3))
    assert (second["method"], second["measured"], second["paper"], second["difference"]) == ("sft", "", "13.6", "")


def test_a_single_run_is_shown_with_its_interval(write_run, detection):
    metrics = detection(30, 20, 22)
    metrics["groups"]["novel"]["ap_interval"] = {"low": 28.04, "high": 32}
    comparison = compare(paper_table(7), read_measurements([write_run("c", {"rft": metrics})]))
    text = FORMATS["markdown"](comparison)
    assert "| 30.0 (28.0 to 32.0) |" in text and "| 20.0 |" in text.replace("               ", "")
    assert "in brackets the 95 % bootstrap interval" in text
    line = list(csv.DictReader(io.StringIO(FORMATS["csv"](comparison))))[2]
    assert (line["low"], line["high"], line["sd"]) == ("28.04", "32", "")


def test_latex_has_no_bare_special_characters(comparison):
    text = FORMATS["latex"](comparison)
    assert r"mAP novel & 9.5 $\pm$ 0.7 & 9.8 & $-$0.3 & -- & 13.6 & -- &" in text
    assert text.count(r"\begin") == text.count(r"\end") == 2
    assert text.isascii()
