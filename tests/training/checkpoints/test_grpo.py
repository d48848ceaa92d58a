# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""veRL's own `_save_checkpoint` and `_load_checkpoint` behind ours; the workers write files with little in them."""

import gc
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("verl", reason="verl is not installed")
torch = pytest.importorskip("torch", reason="torch is not installed")

from checkpoint_folders import save, write_checkpoint  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402
from torchdata.stateful_dataloader import StatefulDataLoader  # noqa: E402
from torchdata.stateful_dataloader.sampler import RandomSampler  # noqa: E402
from verl.trainer.ppo.v1.trainer_base import PPOTrainer  # noqa: E402

from verl_visual_rft.errors import UserError  # noqa: E402
from verl_visual_rft.training.checkpoints import grpo  # noqa: E402
from verl_visual_rft.training.checkpoints.best import best_checkpoint  # noqa: E402
from verl_visual_rft.training.checkpoints.folders import complete_checkpoints  # noqa: E402

ROWS = list(range(6))


@pytest.fixture(scope="module", autouse=True)
def loaders_end_at_once():
    """torch waits 5 s for each process of a loader that nothing refers to any more; these have nothing to finish."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.1)
        yield
        gc.collect()


class Workers:
    """What `ActorRolloutRefWorker` does with files."""

    def __init__(self):
        self.value, self.error, self.kept = 0, None, []

    def save_checkpoint(self, local_path, hdfs_path, step, max_ckpt_to_keep):
        self.kept.append(max_ckpt_to_keep)
        if self.error:
            raise self.error
        made = write_checkpoint(Path(local_path).parents[1] / "made", step)
        save({"value": self.value}, made / "actor" / "model_world_size_1_rank_0.pt")
        Path(local_path).parent.mkdir(parents=True)
        (made / "actor").rename(local_path)

    def load_checkpoint(self, local_path, del_local_after_load):
        self.value = torch.load(f"{local_path}/model_world_size_1_rank_0.pt")["value"]


def make_trainer(root, workers=0, rows=ROWS, **settings):
    """As much of veRL's trainer as its checkpoints need, with a real data loader of three batches an epoch."""
    config = {
        "data": {"train_batch_size": 2, "dataloader_num_workers": workers},
        "actor_rollout_ref": {"actor": {"checkpoint": {}, "optim": {"total_training_steps": 10}}},
        "visual_rft": {"keep_best": settings.pop("keep_best", None)},
        "trainer": {
            "default_local_dir": str(root),
            "default_hdfs_dir": None,
            "max_actor_ckpt_to_keep": 2,
            "max_critic_ckpt_to_keep": None,
            "del_local_ckpt_after_load": False,
            "resume_mode": "auto",
            "resume_from_path": None,
            **settings,
        },
    }
    config = OmegaConf.create(config)
    OmegaConf.set_struct(config, True)
    generator = torch.Generator()
    generator.manual_seed(0)
    sampler = RandomSampler(rows, generator=generator)
    saved = []
    return SimpleNamespace(
        config=config,
        trainer_mode="sync",
        use_critic=False,
        global_steps=0,
        actor_rollout_wg=Workers(),
        checkpoint_callback=SimpleNamespace(on_save=lambda **arguments: saved.append(arguments)),
        saved=saved,
        train_dataloader=StatefulDataLoader(
            rows, batch_size=2, num_workers=workers, drop_last=True, sampler=sampler, collate_fn=list
        ),
        batches=None,
    )


def load(trainer):
    grpo.load(trainer, lambda: PPOTrainer._load_checkpoint(trainer))
    return trainer


def save_step(trainer):
    grpo.save(trainer, lambda: PPOTrainer._save_checkpoint(trainer))


def next_batch(trainer):
    """As `PPOTrainer._fetch_one_gen_batch`."""
    try:
        trainer.batches = trainer.batches or iter(trainer.train_dataloader)
        return next(trainer.batches)
    except StopIteration:
        trainer.batches = iter(trainer.train_dataloader)
        return next(trainer.batches)


def take_steps(trainer, to, validation=None):
    seen = []
    while trainer.global_steps < to:
        trainer.global_steps += 1
        seen.append(next_batch(trainer))
        trainer.actor_rollout_wg.value += sum(seen[-1]) * trainer.global_steps
        save_step(trainer)
        if validation:
            grpo.validated(trainer, {"val/ap": validation[trainer.global_steps - 1]})
    return seen


def steps_in(root):
    return [checkpoint.step for checkpoint in complete_checkpoints(root)]


@pytest.mark.parametrize(("killed_after", "workers"), [(1, 0), (2, 0), (3, 0), (4, 0), (6, 0), (2, 1), (3, 1)])
def test_a_resumed_run_sees_the_rows_of_the_uninterrupted_one(tmp_path, killed_after, workers):
    """Also where an epoch ends: after steps 3 and 6."""
    whole = take_steps(load(make_trainer(tmp_path / "whole", workers)), 7)
    first = take_steps(load(make_trainer(tmp_path / "run", workers)), killed_after)
    resumed = load(make_trainer(tmp_path / "run", workers))
    assert resumed.global_steps == killed_after
    assert first + take_steps(resumed, 7) == whole


def test_the_settings_are_the_users_again_and_veRL_rotates_nothing(tmp_path):
    trainer = load(make_trainer(tmp_path))
    before = OmegaConf.to_container(trainer.config)
    take_steps(trainer, 3)
    assert OmegaConf.to_container(trainer.config) == before
    assert trainer.actor_rollout_wg.kept == [None] * 3
    assert steps_in(tmp_path) == [2, 3]


def test_the_users_callback_gets_the_final_folder(tmp_path):
    trainer = load(make_trainer(tmp_path))
    take_steps(trainer, 1)
    [saved] = trainer.saved
    assert saved["checkpoint_dir"] == str(tmp_path / "global_step_1")
    assert (saved["global_step"], saved["async_save"], saved["trainer"]) == (1, False, trainer)


@pytest.mark.parametrize("tracker", ["", "7", "one", None])
def test_whatever_the_tracker_says_the_last_complete_checkpoint_is_found(tmp_path, tracker, capsys):
    take_steps(load(make_trainer(tmp_path)), 2)
    file = tmp_path / "latest_checkpointed_iteration.txt"
    file.unlink() if tracker is None else file.write_text(tracker)
    (tmp_path / "partial" / "global_step_3").mkdir(parents=True)
    assert load(make_trainer(tmp_path)).global_steps == 2
    assert "going on from" in capsys.readouterr().out
    assert not (tmp_path / "partial").exists()


def test_a_checkpoint_of_one_is_always_there(tmp_path):
    trainer = load(make_trainer(tmp_path, max_actor_ckpt_to_keep=1))
    take_steps(trainer, 2)
    trainer.actor_rollout_wg.error = OSError(28, "No space left on device")
    with pytest.raises(UserError, match="step 3 could not be written .*No space left on device.* that of step 2"):
        take_steps(trainer, 3)
    assert steps_in(tmp_path) == [2]
    assert OmegaConf.to_container(trainer.config)["trainer"]["default_local_dir"] == str(tmp_path)
    assert load(make_trainer(tmp_path)).global_steps == 2


def test_none_is_no_number_of_checkpoints(tmp_path):
    with pytest.raises(UserError, match="max_actor_ckpt_to_keep=0: a run keeps one at least"):
        take_steps(load(make_trainer(tmp_path, max_actor_ckpt_to_keep=0)), 1)


def test_the_best_is_kept_beside_the_last(tmp_path):
    trainer = load(make_trainer(tmp_path, max_actor_ckpt_to_keep=1, keep_best="val/ap"))
    take_steps(trainer, 5, validation=[1.0, 3.0, math.nan, 2.0, 3.0])
    assert steps_in(tmp_path) == [2, 5]
    assert best_checkpoint(tmp_path).step == 2
    resumed = load(make_trainer(tmp_path, max_actor_ckpt_to_keep=1, keep_best="val/ap"))
    take_steps(resumed, 6, validation=[0.0] * 5 + [4.0])
    assert steps_in(tmp_path) == [6]


@pytest.mark.parametrize("mode", ["disable", "resume_path"])
def test_training_over_later_checkpoints_is_refused(tmp_path, mode):
    take_steps(load(make_trainer(tmp_path, max_actor_ckpt_to_keep=None)), 3)
    with pytest.raises(UserError, match="global_step_3: this run starts from step [01], .*trainer.resume_mode=auto"):
        load(make_trainer(tmp_path, resume_mode=mode, resume_from_path=str(tmp_path / "global_step_1")))
    other = make_trainer(tmp_path / "other", resume_mode=mode, resume_from_path=str(tmp_path / "global_step_1"))
    assert load(other).global_steps == (1 if mode == "resume_path" else 0)


def test_what_cannot_be_loaded_is_named(tmp_path):
    take_steps(load(make_trainer(tmp_path)), 1)
    (tmp_path / "global_step_1/actor/model_world_size_1_rank_0.pt").unlink()  # as if the model had not been saved
    with pytest.raises(UserError, match="global_step_1: the checkpoint cannot be loaded .FileNotFoundError: .*No such"):
        load(make_trainer(tmp_path))


def test_another_number_of_loader_processes_is_refused(tmp_path):
    """torchdata would fail in the first step, with an assertion about its state's keys."""
    take_steps(load(make_trainer(tmp_path, workers=1)), 1)
    with pytest.raises(UserError, match="with data.dataloader_num_workers=1, .* set it so again"):
        load(make_trainer(tmp_path, workers=0))


def test_fewer_rows_are_refused_and_more_are_said(tmp_path, capsys):
    """torchdata would raise StopIteration in the first step after the end of the shorter data."""
    take_steps(load(make_trainer(tmp_path)), 1)
    with pytest.raises(UserError, match=f"when there were {len(ROWS)} rows .*, and now there are {len(ROWS) - 1}"):
        load(make_trainer(tmp_path, rows=ROWS[:-1]))
    load(make_trainer(tmp_path, rows=[*ROWS, *ROWS]))
    assert f"goes on with {2 * len(ROWS)}" in capsys.readouterr().out


def test_changed_settings_are_said(tmp_path, capsys):
    take_steps(load(make_trainer(tmp_path)), 1)
    trainer = make_trainer(tmp_path)
    trainer.config.actor_rollout_ref.actor.optim.total_training_steps = 20
    load(trainer)
    assert "total_training_steps=10, and the run goes on with 20" in capsys.readouterr().out
