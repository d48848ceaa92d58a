# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import json
import shutil

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from checkpoint_folders import write_checkpoint  # noqa: E402

from verl_visual_rft.training.checkpoints.folders import complete_checkpoints, latest  # noqa: E402


@pytest.mark.parametrize("part", ["actor", ""])
@pytest.mark.parametrize("ranks", [1, 2])
def test_complete_checkpoints_are_found_in_the_order_of_their_steps(tmp_path, part, ranks):
    for step in (10, 9, 100):
        write_checkpoint(tmp_path, step, ranks, part)
    assert [checkpoint.step for checkpoint in complete_checkpoints(tmp_path)] == [9, 10, 100]
    assert latest(tmp_path).shards == tmp_path / "global_step_100" / part


def test_a_folder_that_does_not_exist_has_none(tmp_path):
    assert latest(tmp_path / "missing") is None


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


FLAWS = {
    "a rank's weights are missing": lambda last: (last / "actor/model_world_size_2_rank_1.pt").unlink(),
    "a rank's weights are cut": lambda last: cut(last / "actor/model_world_size_2_rank_1.pt"),
    "a rank's optimizer is empty": lambda last: (last / "actor/optim_world_size_2_rank_0.pt").write_bytes(b""),
    "the data loader's state is missing": lambda last: (last / "data.pt").unlink(),
    "the data loader's state is cut": lambda last: cut(last / "data.pt"),
    "veRL's rotation took the actor": lambda last: shutil.rmtree(last / "actor"),
    "no world size": lambda last: (last / "actor/fsdp_config.json").write_text("{}"),
    "a cut world size": lambda last: (last / "actor/fsdp_config.json").write_text('{"world'),
    "a world size that is no number": lambda last: (last / "actor/fsdp_config.json").write_text('{"world_size": null}'),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_an_incomplete_checkpoint_is_passed_over(tmp_path, flaw):
    write_checkpoint(tmp_path, 1, ranks=2)
    FLAWS[flaw](write_checkpoint(tmp_path, 2, ranks=2))
    assert latest(tmp_path).step == 1


def test_a_checkpoint_without_optimizer_states_is_complete(tmp_path):
    """``save_contents: [model]``: no rank has the file."""
    last = write_checkpoint(tmp_path, 1, ranks=2)
    for file in last.glob("actor/optim_*.pt"):
        file.unlink()
    assert latest(tmp_path).step == 1


def test_other_folders_are_no_checkpoints(tmp_path):
    write_checkpoint(tmp_path, 1)
    for name in ("partial", "global_step_", "global_step_2_copy", "old_global_step_3"):
        shutil.copytree(tmp_path / "global_step_1", tmp_path / name)
    (tmp_path / "global_step_4").write_text(json.dumps({}))
    assert [checkpoint.step for checkpoint in complete_checkpoints(tmp_path)] == [1]
