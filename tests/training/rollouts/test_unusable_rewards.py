# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A response that cannot be scored, from the rollout worker by the reward to the trainer's replay buffer."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("verl")
pytest.importorskip("transfer_queue")

from omegaconf import OmegaConf  # noqa: E402
from PIL import Image  # noqa: E402
from reward_package import FAILING, write_package  # noqa: E402
from rollouts import ROLLOUTS, STEP, Queue, Server, make_worker, roll_out  # noqa: E402

from verl_visual_rft.errors import RewardError  # noqa: E402
from verl_visual_rft.training.rollouts import agent_loop  # noqa: E402
from verl_visual_rft.training.rollouts.replay_buffer import VisualRFTReplayBuffer  # noqa: E402
from verl_visual_rft.training.rollouts.responses import reward_infos  # noqa: E402

PROMPTS = 2


@pytest.fixture(autouse=True)
def installed(fresh_registry, tmp_path, monkeypatch):
    folder = write_package(tmp_path / "installed", "failing_rewards", FAILING, "raises", "backtracks")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def sampled(monkeypatch, *overrides, **row):
    """Roll out two prompts and take the batch as the trainer does."""
    monkeypatch.setattr(agent_loop.ray, "put", list)
    worker = make_worker(agent_loop.VisualRFTAgentLoopWorker, Server(), *overrides)
    queue = Queue(monkeypatch)
    waiting = {"is_prompt": True, "status": "pending", "global_steps": STEP}
    queue.tags["train"] = {f"u{number}": dict(waiting) for number in range(PROMPTS)}
    roll_out(worker, "visual_rft_agent", [Image.new("RGB", (56, 56), colour) for colour in ("red", "blue")], **row)
    never = OmegaConf.create({"enable": False, "metric": None, "max_num_gen_batches": 1})
    buffer = VisualRFTReplayBuffer(
        trainer_mode="sync",
        trainer_config=None,
        max_off_policy_threshold=8,
        max_off_policy_strategy="drop",
        sampler_kwargs=OmegaConf.create({"poll_interval": 0.0, "filter_groups": never}),
        refill_fn=None,
    )
    batch, _ = buffer.sample(STEP, "train", PROMPTS)
    return batch


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "row", "said"),
    [
        (["visual_rft.reward=raises"], {}, "reward 'raises' .*no such colour"),
        (
            ["visual_rft.reward=backtracks", "visual_rft.reward_timeout=1"],
            {},
            r"reward 'backtracks' did not return within 1 s(?s:.*)in backtracks",
        ),
        ([], {"truth": '{"boxes": [[300, 350, 110, 160]]}'}, r"ground truth box \[300, 350, 110, 160\] is not valid"),
    ],
    ids=["it raises", "it never returns", "its truth cannot be read"],
)
def test_what_cannot_be_scored_ends_the_run_with_its_row(monkeypatch, overrides, row, said):
    with pytest.raises(RewardError, match=rf"a response could not be scored: row of coco \(index \d\): .*{said}"):
        sampled(monkeypatch, *overrides, **row)


@pytest.mark.slow
def test_a_failing_reward_is_a_counted_zero_where_the_user_chose_so(monkeypatch):
    batch = sampled(monkeypatch, "visual_rft.reward=raises", "visual_rft.on_reward_error=zero")
    infos = reward_infos(batch.keys, "train")
    assert sorted((info["failed"], info["score"]) for info in infos) == [(0.0, 0.25)] * 4 + [(1.0, 0.0)] * 2
    assert len(infos) == PROMPTS * ROLLOUTS
