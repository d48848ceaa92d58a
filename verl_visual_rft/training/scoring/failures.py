# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How a failure in a reward worker ends the run.

An exception there would only fail its session: veRL 0.9.1 logs it, drops the prompt's whole group and trains on
without it (``agent_loop_tq.py:_run_prompt``). So the failure travels as a result, and the trainer, who alone can end
the run, raises it as soon as the response is there and before anything is learnt from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

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


def why_unusable(info: Mapping[str, Any], score: float) -> str:
    """Return why a response cannot be learnt from, or an empty string.

    Args:
        info: Its ``reward_extra_info``.
        score: The reward that veRL stored for it.

    Example:
        >>> why_unusable({"score": 1.0}, 1.0), why_unusable({}, float("nan"))
        ('', 'its reward is nan')
    """
    if info.get(_KEY):
        return str(info[_KEY])
    return "" if math.isfinite(score) else f"its reward is {score}"
