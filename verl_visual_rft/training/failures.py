# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How a failure in a reward worker ends the run.

An exception there would only fail its session: veRL 0.9.1 logs it, drops the prompt's whole group and trains on
without it (``agent_loop_tq.py:_run_prompt``). So the failure travels as a result, and the trainer, who alone can end
the run, raises it as soon as the batch is there and before anything is learnt from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verl_visual_rft.errors import RewardError

#: What ``visual_rft.on_reward_error`` may be.
ON_REWARD_ERROR = ("stop", "zero")
_KEY = "reward_failure"


def failure(message: str, details: str = "") -> dict[str, Any]:
    """Return the result of a reward worker that tells the trainer to end the run.

    Args:
        message: What went wrong, in a line.
        details: Traceback and such; indented, so that who looks for the error in the log finds the message.
    """
    text = message + "".join(f"\n    {line}" for line in details.splitlines())
    return {"reward_score": 0.0, "reward_extra_info": {"score": 0.0, _KEY: text}}


def raise_failures(infos: Iterable[Mapping[str, Any]]) -> None:
    """Raise the first failure among the ``reward_extra_info`` of a batch.

    Raises:
        RewardError: A reward worker failed; the message says how the first did.
    """
    for info in infos:
        if info.get(_KEY):
            raise RewardError(f"a response could not be scored: {info[_KEY]}")
