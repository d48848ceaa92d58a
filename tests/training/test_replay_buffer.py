# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The bounded group filter on veRL's replay buffer; the transfer queue, which needs Ray, is a dictionary here."""

from collections import defaultdict
from itertools import count

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")
transfer_queue = pytest.importorskip("transfer_queue")

from omegaconf import OmegaConf  # noqa: E402

from verl_visual_rft.errors import RewardError, UserError  # noqa: E402
from verl_visual_rft.training.failures import failure  # noqa: E402
from verl_visual_rft.training.replay_buffer import VisualRFTReplayBuffer  # noqa: E402

BATCH = 4


class Queue:
    """Prompts whose groups end one a look, with the scores that are given for them."""

    def __init__(self, monkeypatch, scores):
        self.scores = iter(scores)
        self.numbers = count()
        self.tags, self.fields, self.waiting = defaultdict(dict), {}, []
        for name in ("kv_list", "kv_clear", "kv_batch_get"):
            monkeypatch.setattr(transfer_queue, name, getattr(self, name))

    def add(self, n_prompts: int) -> None:
        for _ in range(n_prompts):
            uid = f"u{next(self.numbers)}"
            self.tags["train"][uid] = {"is_prompt": True, "status": "pending", "global_steps": 1}
            self.waiting.append((uid, next(self.scores)))

    def kv_list(self):
        if self.waiting:
            uid, scores = self.waiting.pop(0)
            self.tags["train"][uid]["status"] = "finished" if scores else "failure"
            for session, value in enumerate(scores):
                key = f"{uid}_{session}_0"
                info = value if isinstance(value, dict) else {"score": value}
                self.tags["train"][key] = {"status": "success"}
                self.fields[key] = (torch.tensor([0.0, float(info["score"])]), {"reward_extra_info": info})
        return {partition: dict(tags) for partition, tags in self.tags.items()}

    def kv_clear(self, partition_id, keys):
        for key in keys:
            self.tags[partition_id].pop(key, None)

    def kv_batch_get(self, keys, partition_id, select_fields):
        column = {"rm_scores": 0, "extra_fields": 1}
        return {field: [self.fields[key][column[field]] for key in keys] for field in select_fields}


def sample(monkeypatch, scores, bound=3, enable=True):
    queue = Queue(monkeypatch, scores)
    settings = {"enable": enable, "metric": "reward", "max_num_gen_batches": bound}
    buffer = VisualRFTReplayBuffer(
        trainer_mode="sync",
        trainer_config=None,
        max_off_policy_threshold=8,
        max_off_policy_strategy="drop",
        sampler_kwargs=OmegaConf.create({"poll_interval": 0.0, "filter_groups": settings}),
        refill_fn=queue.add,
    )
    queue.add(BATCH)
    batch, metrics = buffer.sample(global_steps=1, partition_id="train", batch_size=BATCH)
    return batch, metrics, queue


def groups(batch):
    return sorted({key.split("_")[0] for key in batch.keys})


GOOD, FLAT = [0.0, 1.0], [1.0, 1.0]


def test_without_the_filter_every_group_is_taken(monkeypatch):
    batch, metrics, _ = sample(monkeypatch, [FLAT, GOOD, FLAT, GOOD], enable=False)
    assert groups(batch) == ["u0", "u1", "u2", "u3"]
    assert metrics == {}


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


def test_a_step_without_any_response_is_an_error(monkeypatch):
    with pytest.raises(UserError, match="no prompt of the step has a response"):
        sample(monkeypatch, [[]] * BATCH)


@pytest.mark.parametrize("enable", [True, False])
def test_a_reward_that_failed_ends_the_run_and_is_not_taken_for_a_group_without_variance(monkeypatch, enable):
    failed = failure("row 7: boom")["reward_extra_info"]
    with pytest.raises(RewardError, match="row 7: boom"):
        sample(monkeypatch, [GOOD, [failed, failed], GOOD, GOOD], enable=enable)
