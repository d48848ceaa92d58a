# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What is said of long work where there is no terminal."""

import pytest

from verl_visual_rft.progress import RowProgress


@pytest.mark.parametrize("done", [0, 3])
def test_where_output_tells_the_progress_it_tells_the_end_however_short(done, capsys):
    with RowProgress("predict", 4, done, stderr=False) as progress:
        for _ in range(done, 4):
            progress.advance(1)
    said = capsys.readouterr()
    assert said.err == "" and said.out.count("predict: 4/4") == 1
    assert ("predict: 3 of 4 answers are there from before" in said.out) == bool(done)


def test_beside_other_output_short_work_is_silent(capsys):
    with RowProgress("train", 2) as progress:
        progress.advance(2)
    assert capsys.readouterr() == ("", "")
