# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The bounded group filter on veRL's replay buffer; the transfer queue, which needs Ray, is a dictionary here."""

import json
import math
from collections import defaultdict
from itertools import count

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")
transfer_queue = pytest.importorskip("transfer_queue")

from omegaconf import OmegaConf  # noqa: E402

from verl_visual_rft.errors import RewardError, UserError  # noqa: E402
from verl_visual_rft.training.guards.lost_workers import LostWorkerError, WorkerWatch  # noqa: E402
from verl_visual_rft.training.guards.rows import StoppedRows  # noqa: E402
from verl_visual_rft.training.rollouts.replay_buffer import VisualRFTReplayBuffer  # noqa: E402
from verl_visual_rft.training.scoring.failures import failure  # noqa: E402

BATCH = 4


class Queue:
    """Prompts whose groups end one a look, with the scores that are given for them."""

    shuffled = False

    def __init__(self, monkeypatch, scores, partition="train"):
        self.scores, self.partition = iter(scores), partition
        self.numbers = count()
        self.tags, self.fields, self.waiting = defaultdict(dict), {}, []
        for name in ("kv_list", "kv_clear", "kv_batch_get"):
            monkeypatch.setattr(transfer_queue, name, getattr(self, name))

    def add(self, n_prompts: int) -> None:
        for _ in range(n_prompts):
            uid = f"u{next(self.numbers)}"
            self.tags[self.partition][uid] = {"is_prompt": True, "status": "pending", "global_steps": 1}
            self.waiting.append((uid, next(self.scores)))

    def kv_list(self, partition_id=None):
        if self.waiting:
            uid, scores = self.waiting.pop(0)
            tag = self.tags[self.partition][uid]
            tag["status"] = "finished" if scores and None not in scores else "failure"
            if tag["status"] == "failure":
                tag |= {"first_error": f"row {uid}: broken picture", "first_error_time": float(uid[1:])}
            for session, value in sorted(enumerate(scores), reverse=self.shuffled):
                if value is None:  # the session failed
                    continue
                key = f"{uid}_{session}_0"
                info = value if isinstance(value, dict) else {"score": value}
                self.tags[self.partition][key] = {"status": "success"}
                self.fields[key] = (torch.tensor([0.0, float(info["score"])]), {"reward_extra_info": info})
        return {partition: dict(tags) for partition, tags in self.tags.items()}

    def kv_clear(self, partition_id, keys):
        for key in keys:
            self.tags[partition_id].pop(key, None)

    def kv_batch_get(self, keys, partition_id, select_fields):
        column = {"rm_scores": 0, "extra_fields": 1}
        return {field: [self.fields[key][column[field]] for key in keys] for field in select_fields if field in column}


def make_buffer(refill, bound=3, enable=True, mode="sync"):
    settings = {"enable": enable, "metric": "reward", "max_num_gen_batches": bound}
    return VisualRFTReplayBuffer(
        trainer_mode=mode,
        trainer_config=None,
        max_off_policy_threshold=8,
        max_off_policy_strategy="drop",
        sampler_kwargs=OmegaConf.create({"poll_interval": 0.0, "filter_groups": settings}),
        refill_fn=refill,
    )


@pytest.mark.parametrize("mode", ["colocate_async", "separate_async"])
def test_an_asynchronous_trainer_is_refused_where_no_check_of_ours_ran(mode):
    with pytest.raises(UserError, match=f"trainer_mode={mode} does not; set it to visual_rft"):
        make_buffer(None, mode=mode)


def sample(monkeypatch, scores, bound=3, enable=True, partition="train", guards=()):
    queue = Queue(monkeypatch, scores, partition)
    buffer = make_buffer(queue.add, bound, enable)
    queue.add(BATCH)
    if guards:
        buffer.guard(*guards)
    batch, metrics = buffer.sample(global_steps=1, partition_id=partition, batch_size=BATCH)
    return batch, metrics, queue


def groups(batch):
    return sorted({key.split("_")[0] for key in batch.keys})


GOOD, FLAT = [0.0, 1.0], [1.0, 1.0]


def test_without_the_filter_every_group_is_taken(monkeypatch):
    batch, metrics, _ = sample(monkeypatch, [FLAT, GOOD, FLAT, GOOD], enable=False)
    assert groups(batch) == ["u0", "u1", "u2", "u3"]
    assert metrics == {}


@pytest.mark.parametrize("enable", [False, True])
def test_rows_are_in_the_order_in_which_their_prompts_were_sent(monkeypatch, enable):
    """However they came: the last prompt first, and of each its sessions in any order."""
    queue = Queue(monkeypatch, [[0.0, 1.0, *[0.5] * 9]] * BATCH)
    buffer = make_buffer(queue.add, enable=enable)
    queue.add(BATCH)
    queue.waiting.reverse()
    monkeypatch.setattr(queue, "shuffled", True)
    batch, _ = buffer.sample(global_steps=1, partition_id="train", batch_size=BATCH)
    assert list(batch.keys) == [f"u{prompt}_{session}_0" for prompt in range(BATCH) for session in range(11)]


def test_groups_without_variance_are_replaced_one_for_one(monkeypatch):
    batch, metrics, queue = sample(monkeypatch, [GOOD, FLAT, GOOD, FLAT, FLAT, GOOD, GOOD])
    assert groups(batch) == ["u0", "u2", "u5", "u6"]
    assert metrics == {"group/filtered": 3, "group/resampled": 3, "group/filled": 0}
    assert set(queue.tags["train"]) == set(batch.keys)  # what was thrown away is out of the queue


def test_at_the_bound_the_step_goes_on_with_what_there_is(monkeypatch):
    batch, metrics, queue = sample(monkeypatch, [GOOD] + [FLAT] * 11, bound=3)
    assert len(groups(batch)) == BATCH
    assert "u0" in groups(batch)
    assert metrics == {"group/filtered": 11, "group/resampled": 2 * BATCH, "group/filled": 3}
    assert set(queue.tags["train"]) == set(batch.keys)


def test_a_bound_of_one_batch_filters_nothing(monkeypatch):
    batch, metrics, _ = sample(monkeypatch, [FLAT] * BATCH, bound=1)
    assert len(groups(batch)) == BATCH
    assert metrics == {"group/filtered": 4, "group/resampled": 0, "group/filled": 4}


def test_a_group_with_a_lost_session_is_kept(monkeypatch):
    _, metrics, _ = sample(monkeypatch, [GOOD, GOOD, GOOD, []])
    assert metrics["group/resampled"] == 0


PARTITIONS = [("train", True), ("train", False), ("val", False)]


@pytest.mark.parametrize(("partition", "enable"), PARTITIONS)
def test_when_every_session_fails_the_run_ends_with_the_first_error(monkeypatch, partition, enable):
    with pytest.raises(UserError, match="every session of the step failed; the first error: row u0: broken picture"):
        sample(monkeypatch, [[]] * BATCH, enable=enable, partition=partition)


@pytest.mark.parametrize(("partition", "enable"), PARTITIONS)
def test_a_failed_session_costs_only_its_own_response_and_is_said(monkeypatch, partition, enable, capsys):
    batch, metrics, _ = sample(monkeypatch, [GOOD, [None, 1.0], [], GOOD], enable=enable, partition=partition)
    assert groups(batch) == ["u0", "u1", "u3"]
    assert len(batch.keys) == 5
    assert metrics["warning/failed_sessions"] == 1
    said = capsys.readouterr().out
    assert "visual-rft: sessions of 2 of 4 prompts failed; the first error: row u1: broken picture" in said


@pytest.mark.parametrize(("partition", "enable"), PARTITIONS)
def test_a_reward_that_failed_ends_the_run_and_is_not_taken_for_a_group_without_variance(
    monkeypatch, partition, enable
):
    failed = failure("row 7: boom")["reward_extra_info"]
    with pytest.raises(RewardError, match="row 7: boom"):
        sample(monkeypatch, [GOOD, [failed, failed], GOOD, GOOD], enable=enable, partition=partition)


@pytest.mark.parametrize(("partition", "enable"), PARTITIONS)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_reward_that_is_not_finite_ends_the_run_with_its_row_saved(monkeypatch, tmp_path, partition, enable, value):
    guards = (WorkerWatch({}, {}), StoppedRows(tmp_path, tokenizer=None))
    with pytest.raises(RewardError, match=rf"its reward is {value}; the 1 rows: .*stopped_rows.step_1.json"):
        sample(monkeypatch, [GOOD, [0.0, value], GOOD, GOOD], enable=enable, partition=partition, guards=guards)
    (row,) = json.loads((tmp_path / "stopped_rows.step_1.json").read_text())["rows"]
    assert row["response_key"] == "u1_1_0"
    assert row["score"] == str(value)


@pytest.mark.parametrize(("partition", "enable"), PARTITIONS)
def test_a_lost_worker_ends_the_wait(monkeypatch, tmp_path, partition, enable):
    watch = WorkerWatch({}, {})
    watch._lost = "agent loop worker 0 died: killed"
    with pytest.raises(LostWorkerError, match="agent loop worker 0 died"):
        sample(
            monkeypatch, [GOOD] * BATCH, enable=enable, partition=partition, guards=(watch, StoppedRows(tmp_path, None))
        )
