# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of a prompt, whose responses differ in length, in veRL's transfer queue."""

import asyncio

import pytest

torch = pytest.importorskip("torch")
tq = pytest.importorskip("transfer_queue")
pytest.importorskip("verl")

from verl.experimental.agent_loop.agent_loop import AgentLoopMetrics, AgentLoopOutput  # noqa: E402

from verl_visual_rft.training.rollouts import prompt_rows  # noqa: E402

COLUMNS = {"uid": "u0", "global_steps": 3, "data_source": "coco"}
TENSORS = ("prompts", "responses", "input_ids", "response_mask", "loss_mask", "position_ids", "rm_scores")


def row(session: int, tokens: int) -> prompt_rows.Row:
    output = AgentLoopOutput(
        prompt_ids=[1, 2, 3],
        response_ids=list(range(10, 10 + tokens)),
        response_mask=[1] * tokens,
        response_logprobs=[-0.5] * tokens,
        reward_score=0.25 * session,
        num_turns=2,
        metrics=AgentLoopMetrics(),
        extra_fields={"min_global_steps": 2, "max_global_steps": 3},
    )
    positions = torch.arange(3 + tokens).expand(4, -1)
    columns = COLUMNS | {"session_id": session}
    return prompt_rows.row_of(output, columns, 0, positions, {"image_grid_thw": torch.tensor([[1, 2, 2]])})


def test_a_row_has_the_tags_by_which_the_trainer_knows_it():
    made = row(1, 5)
    assert made.key == "u0_1_0"
    assert made.tag == {
        "status": "success",
        "prompt_len": 3,
        "response_len": 5,
        "seq_len": 8,
        "global_steps": 3,
        "min_global_steps": 2,
        "max_global_steps": 3,
    }


@pytest.fixture(scope="module")
def queue():
    ray = pytest.importorskip("ray")
    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
    tq.init()
    yield
    tq.close()
    ray.shutdown()


@pytest.mark.long  # Ray and a queue of its own; every end-to-end run puts and reads such rows
@pytest.mark.parametrize("lengths", [(5, 5), (5, 2, 7)])
def test_what_is_stored_together_is_read_row_by_row(queue, lengths):
    rows = [row(session, tokens) for session, tokens in enumerate(lengths)]
    asyncio.run(prompt_rows.put(rows, "train"))
    assert {key: tag for key, tag in tq.kv_list("train")["train"].items()} == {made.key: made.tag for made in rows}
    for made in rows:
        read = tq.kv_batch_get(keys=[made.key], partition_id="train")
        for name in TENSORS:
            assert torch.equal(read[name][0], made.fields[name]), name
        assert torch.allclose(read["rollout_log_probs"][0], torch.tensor(-0.5))
        assert read["data_source"][0] == "coco"
        assert torch.equal(read["multi_modal_inputs"][0]["image_grid_thw"], torch.tensor([[1, 2, 2]]))
    together = tq.kv_batch_get(keys=[made.key for made in rows], partition_id="train", select_fields=["input_ids"])
    for got, made in zip(together["input_ids"].unbind(), rows, strict=True):
        assert torch.equal(got, made.fields["input_ids"])
    tq.kv_clear(keys=[made.key for made in rows], partition_id="train")
