# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From the prepared data to metrics through the real parts: veRL's trainers, Ray, FSDP2, vLLM."""

import json
import math
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from pipeline import ROOT, TINY_MODEL, run, train

from verl_visual_rft.training.run_mark import RUN_MARK

pytestmark = pytest.mark.e2e


@pytest.mark.smoke
def test_grpo_logs_every_reward_component_of_every_training_step(grpo):
    for component in ("score", "iou", "confidence", "format"):  # of the row that is paid by `paper`
        for figure in ("mean", "std"):
            series = grpo.log.series(f"reward/{component}/{figure}")
            assert series.steps == (1, 2), (component, figure)
            assert all(math.isfinite(value) for value in series.values)
    assert grpo.log.series("rollout/missing_sessions").values == (0.0, 0.0)
    # The mean that we log is the one that veRL trains on.
    assert grpo.log.series("reward/score/mean").values == pytest.approx(
        grpo.log.series("critic/score/mean").values, abs=1e-5
    )


@pytest.mark.smoke
def test_grpo_computes_in_float32(grpo):
    """bfloat16 has 8 bits of mantissa: a forward pass in it gives entropies that are whole multiples of 2^-8 or so."""
    mantissa, _ = math.frexp(grpo.log.series("actor/entropy").values[0])
    assert (mantissa * 2**12) % 1 != 0


@pytest.mark.smoke
def test_vllm_samples_with_the_updated_weights(grpo):
    """The trainer's probability of each sampled token is vLLM's, also after an update that moved them by a percent."""
    assert grpo.log.by_step[2]["actor/kl_loss"] > 1e-5  # half the mean square change of the log-probabilities
    assert max(grpo.log.series("training/rollout_probs_diff_mean").values) < 5e-5
    assert max(grpo.log.series("training/rollout_probs_diff_max").values) < 1e-3


@pytest.mark.smoke
def test_the_run_leaves_no_process_behind(grpo):
    left = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(RUN_MARK) == str(grpo.folder):
                left.append(process)
        except psutil.Error:
            continue
    assert left == []


@pytest.mark.smoke
def test_a_checkpoint_is_exported_and_evaluated(grpo, data, tmp_path):
    run(sys.executable, "-m", "verl_visual_rft.training.export", str(grpo.folder), "--model", str(TINY_MODEL))
    predictions, metrics = tmp_path / "predictions.jsonl", tmp_path / "metrics.json"
    run(
        *["visual-rft", "predict", "--model", str(grpo.folder / "hf"), "--data", str(data / "val.parquet")],
        *["--out", str(predictions), "--max-tokens", "48", "--max-model-len", "112", "--dtype", "float32"],
    )
    run("visual-rft", "eval", str(predictions), "--data", str(data), "--out", str(metrics))
    measured = json.loads(metrics.read_text())
    assert measured["n"] == len(predictions.read_text().splitlines())
    assert 0 <= measured["map_all"] <= 100
    assert 0 <= measured["reward"] <= 3


@pytest.mark.long
def test_two_runs_on_one_machine_keep_to_their_own_weights(tmp_path, data):
    """Plain veRL sends weights through one socket for all Ray clusters: now and then a step hangs, or mixes them."""
    steps, rates = 8, {"slow": "1e-5", "fast": "1e-3"}
    with ThreadPoolExecutor() as at_once:
        runs = {
            name: at_once.submit(
                *[train, tmp_path / name, data, f"trainer.total_training_steps={steps}", "trainer.test_freq=-1"],
                *["trainer.save_freq=-1", f"actor_rollout_ref.actor.optim.lr={rate}"],
                OMP_NUM_THREADS="1",
            )
            for name, rate in rates.items()
        }
    logs = {name: run.result() for name, run in runs.items()}
    for name, log in logs.items():
        assert log.series("reward/score/mean").steps == tuple(range(1, steps + 1)), name
        assert max(log.series("training/rollout_probs_diff_max").values) < 1e-2, name
    kl = {name: log.series("actor/kl_loss").values[-1] for name, log in logs.items()}
    assert kl["fast"] > 100 * kl["slow"]  # so that the other's weights would have been noticed


@pytest.mark.long
def test_a_batch_may_be_several_updates(tmp_path, data):
    """With the same seeds one update and two learn from the same responses; the second leaves the old policy."""
    logs, responses = [], []
    for mini in (4, 2):  # of four prompts
        folder = tmp_path / str(mini)
        logs.append(
            train(
                *[folder, data, "trainer.total_training_steps=2", "trainer.save_freq=-1", "trainer.test_freq=-1"],
                f"trainer.rollout_data_dir={folder}/rollouts",
                f"actor_rollout_ref.actor.ppo_mini_batch_size={mini}",
            )
        )
        lines = (folder / "rollouts" / "1.jsonl").read_text(encoding="utf-8").splitlines()
        responses.append(sorted(json.loads(line)["output"] for line in lines))
    assert responses[0] == responses[1] and len(set(responses[0])) > 4  # responses of a group have seeds of their own
    once, twice = (log.by_step[1] for log in logs)
    assert twice["reward/score/mean"] == pytest.approx(once["reward/score/mean"])
    assert once["actor/ppo_kl"] == once["actor/kl_loss"] == 0
    assert twice["actor/ppo_kl"] != 0 and twice["actor/kl_loss"] > 0
    for step in (1, 2):
        assert logs[1].by_step[step]["training/rollout_probs_diff_max"] < 1e-3


@pytest.mark.long
def test_a_run_without_the_plug_in_has_the_same_first_step(tmp_path, data):
    """Plain veRL (its own trainer, agent loop and reward manager) and ours, on one prompt, one request at a time.

    Plain veRL's responses have no seeds, so ours have none here: both draw from vLLM's own random state.
    """
    same = [
        *["data.train_batch_size=1", "actor_rollout_ref.rollout.n=8", "actor_rollout_ref.rollout.max_num_seqs=1"],
        *["trainer.total_training_steps=1", "trainer.save_freq=-1", "trainer.test_freq=-1"],
        "actor_rollout_ref.actor.optim.lr_scheduler_type=constant",  # veRL has no linear one
    ]
    unseeded = ["visual_rft.seed_rollouts=false", "algorithm.grpo_epsilon=1e-6"]  # veRL's epsilon
    ours = train(tmp_path / "ours", data, *same, *unseeded)
    plain = train(
        tmp_path / "plain",
        data,
        *same,
        "~hydra.callbacks.visual_rft",  # which misses the plug-in, as does what computes
        "actor_rollout_ref.actor.ppo_max_token_len_per_gpu=4096",
        *["trainer.v1.trainer_mode=sync", "reward.reward_manager.source=register", "reward.reward_manager.name=naive"],
        *["algorithm.adv_estimator=grpo", "trainer.v1.sampler.custom_sampler.path=null"],
        "actor_rollout_ref.rollout.agent.agent_loop_manager_class=null",
        "actor_rollout_ref.rollout.agent.default_agent_loop=single_turn_agent",
        f"reward.custom_reward_function.path={ROOT}/tests/e2e/plain_reward.py",
        "reward.custom_reward_function.name=compute_score",
        VERL_USE_EXTERNAL_PLUGINS="none",
        VERL_USE_EXTERNAL_MODULES="cpu_platform_only",
        VLLM_PLUGINS="",  # vLLM would load ours
        PYTHONPATH=os.pathsep.join([str(ROOT / "tests" / "e2e"), str(ROOT)]),
    )
    assert "reward/score/mean" not in plain.by_step[1]  # the plug-in was really away
    for metric in ("critic/score/mean", "actor/pg_loss", "actor/kl_loss", "actor/grad_norm", "response_length/mean"):
        assert ours.by_step[1][metric] == pytest.approx(plain.by_step[1][metric], rel=1e-4, abs=1e-6), metric
