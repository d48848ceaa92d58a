# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Rewards that hang or kill their process, declared as entry points and run in real child processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from verl_visual_rft.errors import RewardError, UserError
from verl_visual_rft.rewards import registry, score
from verl_visual_rft.training.scoring.custom_function import CustomFunction
from verl_visual_rft.training.scoring.isolation import IsolatedScorer

REWARDS = '''
import ctypes, re, time

def backtracks(response):
    """Catastrophic regular expression: holds the interpreter's lock for ever."""
    return float(bool(re.match(r"(a+)+$", response)))

def sleeps(response):
    if response == "wait":
        time.sleep(3600)
    return 1.0

def hangs(response):
    open(response, "w").close()
    time.sleep(3600)

def crashes(response):
    ctypes.string_at(0)

def raises(response):
    return 1 / 0

def exits(response):
    raise SystemExit(0)

def interrupts(response):
    raise KeyboardInterrupt

def closes(response):
    raise GeneratorExit

class Unshowable(BaseException):
    def __str__(self):
        raise SystemExit(0)

def hides(response):
    raise Unshowable

class Silent:
    def __repr__(self):
        raise SystemExit(0)

def returns_it(response):
    return Silent()

def leaves(response):
    import os
    os._exit(0)

def stops(response):
    import os, signal
    os.kill(os.getpid(), signal.SIGSTOP)

def disarms(response):
    import faulthandler
    faulthandler.cancel_dump_traceback_later()
    while True:
        time.sleep(0.01)

def disarms_and_ignores(response):
    import faulthandler, signal
    faulthandler.cancel_dump_traceback_later()
    faulthandler.disable()
    signal.signal(signal.SIGABRT, signal.SIG_IGN)
    while True:
        time.sleep(0.01)

def forks_and_leaves(response):
    import os
    if os.fork() == 0:
        time.sleep(30)
    os._exit(0)

def forks_and_waits(response):
    import os
    if os.fork() == 0:
        os.setsid()
        time.sleep(30)
        os._exit(0)
    time.sleep(3600)

def writes_to_all_files(response):
    import os
    for number in range(3, 1000):
        try:
            os.write(number, b"[]" + bytes([10]))
        except OSError:
            pass
    return 1.0

def closes_all_files(response):
    import os
    os.closerange(3, 1000)
    return 1.0

def returns_twice(response):
    import os
    os.fork()
    return float(len(response))

def leaves_a_thread(response):
    import threading
    threading.Thread(target=time.sleep, args=[3600]).start()
    return 1.0

def reads(response):
    import sys
    return float(len(sys.stdin.read()))

def prints(response):
    print("x" * 100_000, flush=True)
    return 1.0

def lingers_and_leaves_a_thread(response):
    leaves_a_thread(response)
    open(response, "w").close()
    time.sleep(2)
    return 1.0
'''
NAMES = [line.split("(")[0].removeprefix("def ") for line in REWARDS.splitlines() if line.startswith("def ")]
CALL = {"task": "detection", "ground_truth": {"boxes": []}}

AWAITED = """
import asyncio, os, time

async def does(what, rest=""):
    if what == "writes":
        for number in range(3, 1000):
            try:
                os.write(number, bytes([255, 10]))
            except OSError:
                pass
        time.sleep(60)
    if what == "blocks":
        time.sleep(60)
    if what == "waits":
        await asyncio.sleep(60)
    if what.startswith("/"):
        open(what, "w").close()
        await asyncio.to_thread(time.sleep, 3600)
    return 1
"""


@pytest.fixture(autouse=True)
def installed(fresh_registry: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad_rewards.py").write_text(REWARDS, encoding="utf-8")
    metadata = tmp_path / "bad_rewards-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-rewards\nVersion: 1.0\n", encoding="utf-8")
    names = "".join(f"{name} = bad_rewards:{name}\n" for name in NAMES)
    (metadata / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{names}", encoding="utf-8")
    (tmp_path / "awaited.py").write_text(AWAITED, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reward", "response", "line"),
    [("backtracks", "a" * 60 + "b", "in backtracks"), ("sleeps", "wait", "in sleeps"), ("crashes", "", "in crashes")],
)
def test_a_reward_that_does_not_return_is_given_up_with_its_traceback(reward: str, response: str, line: str) -> None:
    async def run() -> None:
        scorer = IsolatedScorer(reward, timeout=1.0)
        try:
            begin = time.monotonic()
            with pytest.raises(RewardError, match=f"reward '{reward}' did not return within 1 s") as caught:
                await scorer.score(response=response, **CALL)
            assert line in str(caught.value)
            assert time.monotonic() - begin < 30
        finally:
            scorer.close()

    asyncio.run(run())


@pytest.mark.slow
def test_the_others_are_still_scored() -> None:
    async def run() -> list[object]:
        scorer = IsolatedScorer("sleeps", timeout=1.0)
        try:
            waiting = [scorer.score(response=response, **CALL) for response in ("a", "wait", "b", "c")]
            return list(await asyncio.gather(*waiting, return_exceptions=True))
        finally:
            scorer.close()

    first, given_up, *rest = asyncio.run(run())
    assert isinstance(given_up, RewardError)
    assert [result["score"] for result in (first, *rest)] == [1.0, 1.0, 1.0]  # type: ignore[index]


@pytest.mark.slow
def test_errors_come_through_with_the_traceback_of_the_child() -> None:
    async def run(ground_truth: object) -> None:
        scorer = IsolatedScorer("raises", timeout=10.0)
        try:
            await scorer.score(task="detection", response="", ground_truth=ground_truth)
        finally:
            scorer.close()

    with pytest.raises(RewardError, match="raised ZeroDivisionError") as caught:
        asyncio.run(run({"boxes": []}))
    assert "return 1 / 0" in str(caught.value.__cause__)
    with pytest.raises(UserError, match="no list under the key 'boxes'"):
        asyncio.run(run({}))


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ("exits", "raised SystemExit on a detection response"),
        ("interrupts", "raised KeyboardInterrupt on a detection response"),
        ("closes", "raised GeneratorExit on a detection response"),
        ("hides", "raised Unshowable on a detection response: <Unshowable that cannot be shown: SystemExit>"),
        ("returns_it", "returned <Silent that cannot be shown: SystemExit>"),
    ],
)
def test_whatever_a_reward_raises_is_its_error(reward: str, message: str) -> None:
    with pytest.raises(RewardError, match=message):
        score(response="", reward=reward, **CALL)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reward", "line"),
    [
        ("exits", "raised SystemExit"),
        ("interrupts", "raised KeyboardInterrupt"),
        ("closes", "raised GeneratorExit"),
        ("leaves", "died without a word"),
        ("stops", "in stops"),
        ("disarms", "in disarms"),
        ("disarms_and_ignores", "died without a word"),
        ("forks_and_waits", "in forks_and_waits"),
        ("writes_to_all_files", "or ended its process"),
        ("closes_all_files", "or ended its process"),
    ],
)
def test_whatever_a_reward_does_ends_as_its_error_within_the_limit(reward: str, line: str) -> None:
    async def run() -> str:
        scorer = IsolatedScorer(reward, timeout=1.0)
        try:
            with pytest.raises(RewardError) as caught:
                await asyncio.wait_for(scorer.score(response="", **CALL), 60)
            return str(caught.value)
        finally:
            scorer.close()

    assert line in asyncio.run(run())


@pytest.mark.slow
@pytest.mark.parametrize("reward", ["returns_twice", "leaves_a_thread", "reads", "prints"])
def test_what_a_reward_leaves_behind_is_no_answer_to_the_next_response(reward: str) -> None:
    async def run() -> list[float]:
        scorer = IsolatedScorer(reward, timeout=10.0)
        try:
            return [(await scorer.score(response=response, **CALL))["score"] for response in ("a", "bb", "ccc")]
        finally:
            scorer.close()

    assert asyncio.run(run()) == {"returns_twice": [1.0, 2.0, 3.0], "reads": [0.0] * 3}.get(reward, [1.0] * 3)


@pytest.mark.slow
def test_a_thread_of_a_reward_does_not_keep_a_training_from_its_end() -> None:
    code = (
        "import asyncio; from verl_visual_rft.training.scoring.isolation import IsolatedScorer; "
        "scorer = IsolatedScorer('leaves_a_thread', 30.0); "
        f"print(asyncio.run(scorer.score(response='', **{CALL!r}))['score'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "1.0\n"


@pytest.mark.slow
def test_the_end_of_the_process_is_known_at_once_whatever_it_has_forked() -> None:
    async def run() -> None:
        scorer = IsolatedScorer("forks_and_leaves", timeout=60.0)
        try:
            with pytest.raises(RewardError, match="died without a word"):
                await asyncio.wait_for(scorer.score(response="", **CALL), 20)
        finally:
            scorer.close()

    asyncio.run(run())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "ended_by"), [("writes", "itself"), ("blocks", "cancelling it"), ("waits", "closing the scorer")]
)
def test_an_ended_process_keeps_neither_those_that_still_ask_nor_the_next_one(
    first: str, ended_by: str, tmp_path: Path
) -> None:
    """More was being sent than a socket holds, and the next process gets a socket of the same number."""
    function = CustomFunction(str(tmp_path / "awaited.py"), "does")

    async def run() -> tuple[list[object], float]:
        scorer = IsolatedScorer("robust", timeout=60.0)
        try:
            await scorer.score(function, what="")
            asked = [asyncio.ensure_future(scorer.score(function, what=first))]
            sent = "x" * (0 if first == "waits" else 3_000_000)
            asked += [asyncio.ensure_future(scorer.score(function, what="waits", rest=sent)) for _ in range(3)]
            await asyncio.sleep(0.1)
            if ended_by == "cancelling it":
                asked[0].cancel()
            if ended_by == "closing the scorer":
                scorer.close()
            ended = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 20)
            return ended, (await asyncio.wait_for(scorer.score(function, what=""), 20))["score"]
        finally:
            scorer.close()

    (by, *others), after = asyncio.run(run())
    assert isinstance(by, asyncio.CancelledError if ended_by == "cancelling it" else RewardError)
    assert [type(error) for error in others] == [RewardError] * 3 and after == 1.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reward", "asked"),
    [
        pytest.param("'hangs', 5.0", "response={0!r}, **CALL", marks=pytest.mark.long),
        ("'lingers_and_leaves_a_thread', 600.0", "response={0!r}, **CALL"),
        ("'robust', 600.0", "reward=CustomFunction({1!r}, 'does'), what={0!r}"),
    ],
)
def test_a_process_ends_after_the_worker_that_asked_was_killed(reward: str, asked: str, tmp_path: Path) -> None:
    begun, file = tmp_path / "begun", tmp_path / "awaited.py"
    code = (
        "import asyncio; from verl_visual_rft.training.scoring.isolation import CustomFunction, IsolatedScorer; "
        f"CALL = {CALL!r}; asyncio.run(IsolatedScorer({reward}).score({asked.format(str(begun), str(file))}))"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as worker:
        while not begun.exists():
            time.sleep(0.01)
        children = psutil.Process(worker.pid).children()
        worker.kill()
    assert len(children) == 1
    assert psutil.wait_procs(children, timeout=120 if "hangs" in reward else 20)[1] == []
