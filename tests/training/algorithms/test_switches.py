# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The loss of each ALGO as veRL's workers compute it, on rollouts of different lengths."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

from plain_grpo import advantages  # noqa: E402
from tiny_steps import steps_by_verl  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lengths(rows):
    return [len(row["response_ids"]) for row in rows]


def test_dapo_every_token_weighs_the_same_and_there_is_no_kl(tmp_path, policy_folder, rows, lengths):
    first, _ = steps_by_verl(tmp_path, policy_folder, rows, "algo=dapo")["steps"]
    of_rows = advantages([row["score"] for row in rows], [row["uid"] for row in rows])
    by_token = -sum(a * n for a, n in zip(of_rows, lengths, strict=True)) / sum(lengths)
    assert first["metrics"]["loss"] == pytest.approx([by_token], rel=1e-4)
    assert "kl_loss" not in first["metrics"]


@pytest.mark.long
def test_dr_grpo_neither_spread_nor_length_count(tmp_path, policy_folder, rows, lengths):
    result = steps_by_verl(tmp_path, policy_folder, rows, "algo=dr_grpo", "data.max_response_length=20")
    first, _ = result["steps"]
    groups = {uid: [row["score"] for row in rows if row["uid"] == uid] for uid in {row["uid"] for row in rows}}
    of_rows = [row["score"] - sum(groups[row["uid"]]) / len(groups[row["uid"]]) for row in rows]
    assert first["advantages"] == pytest.approx(of_rows, abs=1e-6)
    summed = -sum(a * n for a, n in zip(of_rows, lengths, strict=True)) / 20 / len(rows)
    assert first["metrics"]["loss"] == pytest.approx([summed], rel=1e-4)
    assert "kl_loss" not in first["metrics"]
