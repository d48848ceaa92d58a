# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""veRL's own `CheckpointHandler` with our door open; the engine writes files with little in them."""

from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("verl", reason="verl is not installed")
torch = pytest.importorskip("torch", reason="torch is not installed")

from checkpoint_folders import write_checkpoint  # noqa: E402
from torch.utils.data import DistributedSampler  # noqa: E402
from torchdata.stateful_dataloader import StatefulDataLoader  # noqa: E402
from verl.utils.checkpoint.checkpoint_handler import CheckpointHandler  # noqa: E402

from verl_visual_rft.errors import UserError  # noqa: E402
from verl_visual_rft.training.algorithms.engine import VisualRFTEngineConfig  # noqa: E402
from verl_visual_rft.training.checkpoints.folders import complete_checkpoints  # noqa: E402

ROWS = list(range(6))


@pytest.fixture(autouse=True)
def one_rank():
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


class Engine:
    """What veRL's FSDP engine does with files."""

    def __init__(self, total_steps, ours=True):
        self.engine_config = VisualRFTEngineConfig() if ours else None
        self.optimizer_config = SimpleNamespace(total_training_steps=total_steps)
        self.error = None

    def is_mp_src_rank_with_outputs(self):
        return True

    def get_data_parallel_rank(self):
        return 0

    def save_checkpoint(self, local_path, global_step, max_ckpt_to_keep):
        write_checkpoint(Path(local_path).parent, global_step, part="")
        (Path(local_path) / "data_0.pt").unlink()
        if self.error:
            raise self.error

    def load_checkpoint(self, local_path):
        torch.load(f"{local_path}/model_world_size_1_rank_0.pt")


def make_handler(root, total_steps=7, keep=2, ours=True):
    sampler = DistributedSampler(ROWS, shuffle=True, num_replicas=1, rank=0, drop_last=True)
    loader = StatefulDataLoader(ROWS, batch_size=2, sampler=sampler, drop_last=True, collate_fn=list)
    engine = Engine(total_steps, ours)
    return CheckpointHandler(engine, loader, default_local_dir=str(root), max_ckpt_to_keep=keep)


def train(handler, to, epochs=9):
    """As `SFTTrainer.fit`, a checkpoint after each step; the rows of each."""
    step, seen = handler.load_checkpoint(), []
    for epoch in range(step // len(handler.train_dataloader), epochs):
        handler.train_dataloader.sampler.set_epoch(epoch)
        for batch in handler.train_dataloader:
            step += 1
            seen.append(batch)
            handler.save_checkpoint(step=step)
            if step >= to:
                return seen
    return seen


def steps_in(root):
    return [checkpoint.step for checkpoint in complete_checkpoints(root)]


@pytest.mark.parametrize("killed_after", [1, 2, 3, 4, 6])
def test_a_resumed_run_sees_the_rows_of_the_uninterrupted_one(tmp_path, killed_after):
    """Also where an epoch ends, after steps 3 and 6: plain veRL leaves out the next one."""
    whole = train(make_handler(tmp_path / "whole"), 7)
    first = train(make_handler(tmp_path / "run"), killed_after)
    assert first + train(make_handler(tmp_path / "run"), 7) == whole


def test_plain_veRL_still_leaves_out_an_epoch(tmp_path):
    """When this fails, `_load_data_position` can go."""
    whole = train(make_handler(tmp_path / "whole", ours=False), 6)
    first = train(make_handler(tmp_path / "run", ours=False), 3)
    rest = train(make_handler(tmp_path / "run", ours=False), 6, epochs=2)
    assert (first, rest) == (whole[:3], [])


def test_checkpoints_are_whole_and_rotated_with_those_of_earlier_processes(tmp_path):
    train(make_handler(tmp_path), 3)
    handler = make_handler(tmp_path)
    train(handler, 4)
    assert steps_in(tmp_path) == [3, 4]
    assert {path.name for path in tmp_path.iterdir()} == {
        "global_step_3",
        "global_step_4",
        "latest_checkpointed_iteration.txt",
    }
    assert (handler.default_local_dir, handler.max_ckpt_to_keep) == (str(tmp_path), 2)


@pytest.mark.parametrize("tracker", ["", "7"])
def test_whatever_the_tracker_says_the_last_complete_checkpoint_is_found(tmp_path, tracker):
    train(make_handler(tmp_path), 2)
    (tmp_path / "latest_checkpointed_iteration.txt").write_text(tracker)
    assert make_handler(tmp_path).load_checkpoint() == 2


def test_a_full_disk_leaves_the_last_one(tmp_path):
    train(make_handler(tmp_path, keep=1), 2)
    handler = make_handler(tmp_path, keep=1)
    handler.engine.error = OSError(28, "No space left on device")
    with pytest.raises(UserError, match="step 3 could not be written .*No space left on device.* that of step 2"):
        train(handler, 3)
    assert steps_in(tmp_path) == [2]
    assert not (tmp_path / "partial").exists()


def test_a_run_that_is_trained_takes_no_further_step(tmp_path, capsys):
    train(make_handler(tmp_path, total_steps=2), 2)
    with pytest.raises(SystemExit) as ended:
        make_handler(tmp_path, total_steps=2).load_checkpoint()
    assert ended.value.code == 0
    assert "step 2 of 2 is saved: nothing is left to train" in capsys.readouterr().out


def test_runs_that_are_not_ours_are_left_alone(tmp_path):
    train(make_handler(tmp_path, ours=False, keep=None), 2)
    assert steps_in(tmp_path) == [1, 2]
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("1")
    assert make_handler(tmp_path, ours=False).load_checkpoint() == 1
