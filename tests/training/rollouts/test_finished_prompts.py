# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A worker says that a prompt is finished when it is, not at the next look."""

import asyncio
import time

import pytest

from verl_visual_rft.training.rollouts.finished_prompts import LOOK_AFTER, FinishedPrompts, Rollouts


def test_who_asks_is_answered_when_the_number_has_risen():
    async def ask() -> list[int]:
        finished = FinishedPrompts()
        finished.add()
        answers = [await finished.more_than(0)]  # one that was finished before it was asked for counts
        waiting = [asyncio.create_task(finished.more_than(count)) for count in (1, 1, 2)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        finished.add()
        answers += await asyncio.gather(*waiting[:2])
        assert not waiting[2].done()
        finished.add()
        return [*answers, await waiting[2]]

    assert asyncio.run(ask()) == [1, 2, 2, 3]


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


def worker(ray):
    class Worker:
        def __init__(self):
            self.finished = FinishedPrompts()

        async def finished_prompts(self, more_than):
            return await self.finished.more_than(more_than)

        async def finish(self, after):
            await asyncio.sleep(after)
            self.finished.add()

        async def die(self):
            import os

            os._exit(1)

    return ray.remote(num_cpus=0)(Worker).remote()


@pytest.mark.long
@pytest.mark.e2e
def test_the_trainer_goes_on_when_one_of_the_workers_has_finished_a_prompt(ray):
    first, second = worker(ray), worker(ray)
    ray.get([first.__ray_ready__.remote(), second.__ray_ready__.remote()])
    rollouts = Rollouts([first, second])
    for busy in (first, second, first):
        busy.finish.remote(0.3)
        begin = time.perf_counter()
        rollouts.wait()
        assert 0.2 < time.perf_counter() - begin < LOOK_AFTER


@pytest.mark.long
@pytest.mark.e2e
def test_a_dead_worker_does_not_make_it_spin(ray):
    only = worker(ray)
    ray.get(only.__ray_ready__.remote())
    rollouts = Rollouts([only])
    only.die.remote()
    rollouts.wait()
    begin = time.perf_counter()
    rollouts.wait()
    assert time.perf_counter() - begin >= LOOK_AFTER
