# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What happens before a run that is started without a recipe."""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from verl_visual_rft.launching.loopback import SETTINGS
from verl_visual_rft.miniature.pretraining import TINY_MODEL
from verl_visual_rft.training.run_mark import PLUGIN_MARK

pytest.importorskip("verl")
ROOT = Path(__file__).parents[2]
CONFIG = "verl_visual_rft.training.config"
GRPO = ("visual_rft", f"actor_rollout_ref.model.path={TINY_MODEL}", "device=cpu")
SFT = ("visual_sft", f"model.path={TINY_MODEL}", "sft_device=cpu")


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start a ``main`` as veRL's trainers have it, by the command line; return the configuration that it gets."""
    import hydra

    monkeypatch.chdir(tmp_path)
    rows = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"prompt": [None] * 256}), rows)
    for name in SETTINGS:  # what the hook sets is undone
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr("ray._private.ray_constants.ENABLE_RAY_CLUSTER", True)

    def call(name, *overrides, path=f"pkg://{CONFIG}"):
        got = []
        arguments = ["main", f"--config-path={path}", f"--config-name={name}"]
        arguments += [f"data.train_files={rows}", f"data.val_files={rows}", *overrides]
        monkeypatch.setattr(sys, "argv", arguments)
        hydra.main(config_path=None, version_base=None)(lambda config: got.append(config))()
        return got[0]

    return call


@pytest.mark.parametrize("run", [GRPO, SFT], ids=["GRPO", "SFT"])
def test_a_run_of_ours_that_can_work_starts(run, start):
    assert start(*run).trainer.device == "cpu"


@pytest.mark.parametrize("run", [GRPO, SFT], ids=["GRPO", "SFT"])
def test_hydra_writes_into_the_runs_folder(run, start, tmp_path, monkeypatch):
    monkeypatch.setenv("VISUAL_RFT_HYDRA_DIR", str(tmp_path / "a run's, 1" / "hydra"))
    start(*run)
    assert (tmp_path / "a run's, 1" / "hydra" / ".hydra" / "overrides.yaml").is_file()
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("run", "override", "message"),
    [
        (GRPO, "data.max_response_length=9000", "more than the 4096 positions"),
        (GRPO, "trainer.n_gpus_per_node=3", "cannot be divided among 3 ranks"),
        (GRPO, "actor_rollout_ref.model.path=/nowhere", "model /nowhere: no such folder"),
        (GRPO, "actor_rollout_ref.actor.freeze_vision_tower=true", "use visual_rft.freeze_vision=true"),
        (GRPO, "data.train_max_samples=2", "2 of 256 rows (data.train_max_samples) are less than one step"),
        (GRPO, "data.val_files=/nowhere.parquet", "/nowhere.parquet: no such file"),
        (GRPO, "trainer.v1.trainer_mode=colocate_async", "set trainer.v1.trainer_mode=visual_rft"),
        (SFT, "model.path=/nowhere", "model /nowhere: no such folder"),
        (SFT, "data.max_length=9000", "more than the 4096 positions"),
    ],
)
def test_a_run_of_ours_that_cannot_work_is_refused_before_main(run, override, message, start, capsys):
    with pytest.raises(SystemExit) as ended:
        start(*run, override)
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 1
    assert line.startswith("verl_visual_rft.errors.UserError: ")
    assert message in line


@pytest.mark.parametrize("none", ["null", "[]"])
def test_grpo_without_validation_data_is_not_validated(none, start, capsys):
    config = start(*GRPO, f"data.val_files={none}")
    assert config.data.val_files == config.data.train_files  # veRL opens a validation set whether it is used or not
    assert (config.trainer.test_freq, config.trainer.val_before_train) == (-1, False)
    assert "no data.val_files: the run is not validated" in capsys.readouterr().out


def test_a_run_without_the_plug_in_is_refused(start, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "verl_visual_rft.plugin")
    with pytest.raises(SystemExit):
        start(*GRPO)
    assert "veRL has not loaded this package's plug-in; `visual-rft doctor` says why" in capsys.readouterr().err


def test_a_run_that_could_not_be_known_as_ours_is_refused(start, monkeypatch, capsys):
    """Its configuration is ours, by another path than the one that the plug-in knows."""
    monkeypatch.delenv(PLUGIN_MARK)
    with pytest.raises(SystemExit):
        start(*GRPO, path=str(ROOT / "verl_visual_rft/training/config"))
    assert f"pkg://verl_visual_rft.training.config, or export {PLUGIN_MARK}=1" in capsys.readouterr().err


def test_ranks_of_sft_are_those_of_torchrun(start, monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "6")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(SystemExit):
        start(*SFT, "data.train_batch_size=16")
    assert "16 examples of an update cannot be divided among 6 ranks" in capsys.readouterr().err


def test_a_fault_of_the_checks_themselves_ends_the_run_too(start, monkeypatch, capsys):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "two")
    with pytest.raises(SystemExit):
        start(*SFT)
    assert "Traceback" in capsys.readouterr().err


def test_a_run_of_verl_that_is_not_ours_is_left_alone(start, monkeypatch):
    monkeypatch.setenv("VERL_PLATFORM", "cpu")
    config = start("ppo_trainer", "actor_rollout_ref.model.path=/nowhere", path="pkg://verl.trainer.config")
    assert "env_vars" not in config.ray_kwargs.ray_init.runtime_env
