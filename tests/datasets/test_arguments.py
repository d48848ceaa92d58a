# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of what the command lines of data sets share."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import pytest
from PIL import Image

from verl_visual_rft.datasets.arguments import add_arguments, options_of, print_summary, run
from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.question import Picture


def parse(*arguments: str, shots: bool = True) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser, shots)
    return parser.parse_args(["--out", "out", *arguments])


def test_the_defaults_are_those_of_the_options_but_for_the_processes() -> None:
    options = options_of(parse("--workers", "1"))
    assert options == PrepareOptions()
    assert options_of(parse()).workers >= 1


def test_every_option_can_be_given() -> None:
    given = parse(
        *("--seed", "3", "--shots", "4", "--no-think", "--family", "qwen2.5-vl", "--min-pixels", "784"),
        *("--max-pixels", "1568", "--tokenizer", "model", "--max-prompt-tokens", "99", "--reward", "paper"),
        *("--workers", "7", "--strict", "--no-sft", "--sft-target", "answer"),
    )
    assert options_of(given) == PrepareOptions(
        seed=3,
        shots=4,
        think=False,
        family="qwen2.5-vl",
        min_pixels=784,
        max_pixels=1568,
        max_prompt_tokens=99,
        tokenizer=Path("model"),
        workers=7,
        strict=True,
        sft=False,
        reward="paper",
    )


def test_targets_with_reasoning_for_prompts_without_are_refused() -> None:
    assert options_of(parse("--sft-target", "reasoning")).sft_target == "reasoning"
    with pytest.raises(UserError, match="--sft-target reasoning contradicts --no-think"):
        options_of(parse("--sft-target", "reasoning", "--no-think"))


def test_shots_are_offered_only_where_they_make_sense(capsys: pytest.CaptureFixture[str]) -> None:
    assert options_of(parse(shots=False)).shots is None
    with pytest.raises(SystemExit):
        parse("--shots", "4", shots=False)
    assert "unrecognized arguments: --shots" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--min-pixels", "4000", "--max-pixels", "3999"), "--min-pixels 4000 is more than --max-pixels 3999"),
        (("--max-prompt-tokens", "10"), "needs --tokenizer"),
        (("--seed", "9" * 400), "--seed has 400 digits; give one of 64 bits"),
        (("--seed", str(2**63)), "--seed has 19 digits"),
        (("--min-pixels", str(10**12), "--max-pixels", str(10**12)), "is more than a picture may have"),
    ],
)
def test_options_that_contradict_each_other_are_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        options_of(parse(*arguments))


def test_a_script_ends_with_a_status_and_a_plain_message(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        raise UserError("no such class")

    def interrupt() -> None:
        raise KeyboardInterrupt

    assert (run(lambda: None), run(refuse), run(interrupt)) == (0, 2, 130)
    assert capsys.readouterr().err == "error: no such class\ninterrupted; nothing was written\n"


def test_the_summary_says_what_was_left_out_and_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def question(name: str, file_format: str) -> DetectionQuestion:
        buffer = io.BytesIO()
        Image.new("RGB", (60, 60)).save(buffer, file_format)
        return DetectionQuestion(Picture(name, Path("none"), name, data=buffer.getvalue()), "cat", 1, ((0, 0, 9, 9),))

    asked = [question("a.jpg", "JPEG"), question("b.bmp", "BMP")]
    skips = [Skip("crowd [box]", "1.json"), Skip("crowd [box]", "2.json")]
    manifest = prepare(tmp_path, {"train": asked, "val": asked}, PrepareOptions(), "made_up", [], skips)
    print_summary(manifest, Path("out"))
    shown = capsys.readouterr().out
    assert "left out, crowd [box]: 2 (1.json, ... all in manifest.json)" in shown
    assert "converted, format BMP: 1 (b.bmp)" in shown
    assert "2 pictures are in more than one split" in shown
    assert "rows without objects" not in shown
