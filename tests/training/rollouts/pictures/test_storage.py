# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures in the transfer queue: put once, read once a step and process, cleared with their step."""

import asyncio

import pytest

torch = pytest.importorskip("torch")
tq = pytest.importorskip("transfer_queue")

from omegaconf import OmegaConf  # noqa: E402

from verl_visual_rft.training.rollouts.pictures import storage  # noqa: E402


@pytest.fixture
def queue(monkeypatch):
    """The partition as a dictionary; it also holds the order of what is done to it."""
    stored, done = {}, []

    async def put(key, partition_id, fields):
        await asyncio.sleep(0)
        done.append(("put", key))
        stored[key] = fields["pixel_values"]

    def get(keys, partition_id, select_fields):
        done.extend(("get", key) for key in keys)
        return {"pixel_values": torch.nested.as_nested_tensor([stored[key] for key in keys], layout=torch.jagged)}

    def clear(keys, partition_id):
        for key in keys:
            del stored[key]

    monkeypatch.setattr(tq, "async_kv_put", put)
    monkeypatch.setattr(tq, "kv_batch_get", get)
    monkeypatch.setattr(tq, "kv_clear", clear)
    monkeypatch.setattr(tq, "kv_list", lambda partition_id: {partition_id: dict.fromkeys(stored, {})} if stored else {})
    return stored, done


def put_all(names):
    async def run():
        stored = storage.Stored()
        for step in names:
            await asyncio.gather(*(stored.put(name, torch.full((len(name), 2), 1.5).numpy()) for name in step))
        return stored

    return asyncio.run(run())


def test_a_picture_is_put_once_a_step(queue):
    stored = put_all([["1-a", "1-a", "1-bb"], ["2-a"]])
    assert queue[1] == [("put", "1-a"), ("put", "1-bb"), ("put", "2-a")]
    assert list(stored._puts) == ["2-a"]


def test_a_process_reads_a_picture_once_and_forgets_earlier_steps(queue):
    put_all([["1-a", "1-bb"], ["2-a"]])
    queue[1].clear()
    fetched = storage.Fetched()
    assert list(fetched.pixel_values(["1-bb", "1-a", "1-bb"])) == ["1-bb", "1-a"]
    assert fetched.pixel_values(["1-bb"])["1-bb"].shape == (4, 2)
    assert queue[1] == [("get", "1-bb"), ("get", "1-a")]
    fetched.pixel_values(["2-a"])
    assert list(fetched._pixels) == ["2-a"]


def test_a_step_is_cleared_with_what_earlier_ones_have_left(queue):
    storage.clear(1)
    put_all([["9-a", "10-a", "11-a"]])
    storage.clear(10)
    assert list(queue[0]) == ["11-a"]


@pytest.mark.parametrize(
    ("override", "apart"),
    [
        ("trainer.device=cuda", True),
        ("actor_rollout_ref.actor.strategy=megatron", False),
        ("trainer.device=npu", False),
        ("algorithm.adv_estimator=gae", False),
        ("critic.enable=true", False),
        ("distillation.enabled=true", False),
    ],
)
def test_pixels_stay_in_the_rows_where_others_read_them(override, apart):
    config = {"actor_rollout_ref": {"actor": {"strategy": "fsdp2"}}, "trainer": {"device": "cpu"}}
    config |= {"algorithm": {"adv_estimator": "visual_rft_grpo"}, "critic": {"enable": None}}
    config = OmegaConf.merge(config, OmegaConf.from_dotlist([override]))
    assert storage.stores_apart(config) == apart
