# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts on pictures in veRL's own worker and in ours."""

import pickle

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")
pytest.importorskip("transfer_queue")

from rollouts import ROLLOUTS, PlainWorker, Queue, Server, make_worker, roll_out  # noqa: E402

from verl_visual_rft.training.rollouts import agent_loop  # noqa: E402
from verl_visual_rft.training.rollouts.pictures.processed import picture_key  # noqa: E402
from verl_visual_rft.training.scoring.reward_manager import VisualRFTRewardManager  # noqa: E402


@pytest.fixture
def ours(monkeypatch):
    monkeypatch.setattr(agent_loop.ray, "put", list)
    return make_worker(agent_loop.VisualRFTAgentLoopWorker, Server())


def test_rows_are_those_of_veRL_with_one_processor_call_a_picture(monkeypatch, ours, pictures, processor_calls):
    about = [pictures[0], pictures[1], pictures[0].copy()]  # two prompts about the same picture
    plain_queue = Queue(monkeypatch)
    plain = make_worker(PlainWorker, Server())
    roll_out(plain, "single_turn_agent", about)
    assert len(processor_calls) == 3 * ROLLOUTS * len(about)
    processor_calls.clear()

    queue = Queue(monkeypatch)
    roll_out(ours, "visual_rft_agent", about)
    assert processor_calls == [1, 1]
    assert len(queue.puts) == 2
    assert ours.scored == []  # rules are applied at once
    assert queue.batches == len(about)  # the rows of a prompt at once
    rows, expected = queue.rows["train"], plain_queue.rows["train"]
    assert rows.keys() == expected.keys()
    assert len(rows) == ROLLOUTS * len(about)
    for key, row in rows.items():
        inputs, wanted = row["multi_modal_inputs"], expected[key]["multi_modal_inputs"]
        names = inputs.pop("pictures")
        stored = [queue.rows["pictures"][name]["pixel_values"] for name in names]
        assert torch.equal(torch.cat(stored), wanted.pop("pixel_values"))
        assert inputs.keys() == wanted.keys()
        for name in wanted:
            assert torch.equal(inputs[name], wanted[name])
        for column in ("input_ids", "position_ids", "prompts", "responses", "response_mask", "rollout_log_probs"):
            assert torch.equal(row[column], expected[key][column])
        assert "raw_prompt" not in row
        assert torch.equal(row["rm_scores"], expected[key]["rm_scores"])
        assert row["extra_fields"]["reward_extra_info"] == expected[key]["extra_fields"]["reward_extra_info"]
        assert queue.tags["train"][key] == plain_queue.tags["train"][key] | {"pictures": names}
        assert len(pickle.dumps(row)) < 20_000
    assert len(agent_loop._pictures) == 0
    assert not agent_loop._shared


def test_each_response_has_a_seed_of_its_own_and_a_resumed_step_the_same(monkeypatch, ours, pictures):
    Queue(monkeypatch)
    roll_out(ours, "visual_rft_agent", pictures)
    seeds = ours.llm_client.seeds
    assert len(set(seeds)) == ROLLOUTS * len(pictures)
    again = make_worker(agent_loop.VisualRFTAgentLoopWorker, Server())
    roll_out(again, "visual_rft_agent", pictures)
    assert sorted(again.llm_client.seeds) == sorted(seeds)
    unseeded = make_worker(agent_loop.VisualRFTAgentLoopWorker, Server())
    unseeded.config.visual_rft.seed_rollouts = False
    roll_out(unseeded, "visual_rft_agent", pictures)
    assert set(unseeded.llm_client.seeds) == {None}


def test_a_reward_of_another_package_is_left_to_the_reward_workers(monkeypatch, ours, pictures):
    Queue(monkeypatch)
    monkeypatch.setattr(VisualRFTRewardManager, "is_trusted", lambda self, row: row["extra_info"]["reward"] is None)
    roll_out(ours, "visual_rft_agent", pictures[:1], reward="iou")
    assert len(ours.scored) == ROLLOUTS
    assert max(map(len, ours.scored)) < 2_000  # without the picture


def test_vllm_is_handed_the_processed_picture(monkeypatch, ours, pictures):
    Queue(monkeypatch)
    roll_out(ours, "visual_rft_agent", pictures[:1])
    assert len(ours.llm_client.image_data) == ROLLOUTS
    first = ours.llm_client.image_data[0]
    assert all(data is first for data in ours.llm_client.image_data)  # one object in Ray's store
    assert [picture.key.partition("-")[0] for picture in first] == [picture_key(pictures[0])]


def test_another_engine_than_vllm_gets_pictures(monkeypatch, ours, pictures):
    Queue(monkeypatch)
    ours.rollout_config.name = "sglang"
    roll_out(ours, "visual_rft_agent", pictures[:1])
    assert [data[0].size for data in ours.llm_client.image_data] == [pictures[0].size] * ROLLOUTS


def test_validation_stores_no_pixels(monkeypatch, ours, pictures):
    queue = Queue(monkeypatch)
    roll_out(ours, "visual_rft_agent", pictures, validate=True)
    assert queue.puts == []
    for row in queue.rows["val"].values():
        assert set(row["multi_modal_inputs"]) == {"image_grid_thw", "images_seqlens"}


def test_with_a_critic_rows_keep_their_pixels(monkeypatch, ours, pictures):
    queue = Queue(monkeypatch)
    ours.config.critic.enable = True
    roll_out(ours, "visual_rft_agent", pictures)
    assert queue.puts == []
    assert all("pixel_values" in row["multi_modal_inputs"] for row in queue.rows["train"].values())
