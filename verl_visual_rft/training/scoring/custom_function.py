# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""veRL's own way to bring a reward: ``reward.custom_reward_function``, a function of a file.

It is called as verl 0.9.1 calls it (``trainer/ppo/reward.py``, ``experimental/reward_loop/reward_manager/naive.py``)
and scores every row, whatever its task; ``visual_rft.reward`` is not asked then.
"""

from __future__ import annotations

import asyncio
import importlib.util
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from verl_visual_rft.errors import RewardError, UserError

_KEY = "reward.custom_reward_function"
_IMPORT_SECONDS = 600.0  # torch perhaps, on a busy machine


@dataclass(frozen=True)
class CustomFunction:
    """A function ``name(data_source, solution_str, ground_truth, extra_info, **kwargs)`` of a Python file.

    Attributes:
        path: The file; veRL takes ``pkg://module`` too.
        name: Of the function. It returns a number, or a mapping with the total under "score".
        kwargs: Its further arguments, ``reward_kwargs``.
    """

    path: str
    name: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{_KEY} {self.path}:{self.name}"

    @property
    def is_async(self) -> bool:
        """Whether it is awaited: the calls of one that waits for a server then run beside each other."""
        return iscoroutinefunction(self.load())

    def load(self) -> Callable[..., Any]:
        """Import it, once in a process.

        Raises:
            UserError: The file or the function is not there, or the file raised an error.
        """
        try:
            return _load(self.path, self.name)
        except (Exception, SystemExit) as error:  # a file of the user's may raise anything while it loads
            raise UserError(f"{self} cannot be loaded: {type(error).__name__}: {error}") from error

    def score(self, arguments: Mapping[str, Any]) -> dict[str, float]:
        """Score a response by a function that is not awaited.

        Args:
            arguments: What veRL passes: ``data_source``, ``solution_str``, ``ground_truth``, ``extra_info``.

        Raises:
            RewardError: It raised, or returned no finite number.
        """
        try:
            return self._numbers(self.load()(**arguments, **self.kwargs))
        except RewardError:
            raise
        except BaseException as error:  # SystemExit would end a training as if it were done
            raise self._raised(error) from error

    async def score_async(self, arguments: Mapping[str, Any], timeout: float) -> dict[str, float]:
        """Score a response by a function that is awaited, for ``timeout`` seconds at most; else as `score`."""
        own = os.getpid()

        async def guarded() -> dict[str, float] | RewardError:
            try:
                return self._numbers(await self.load()(**arguments, **self.kwargs))
            except RewardError as error:
                return error
            except BaseException as error:  # out of a task, some of them would end the event loop
                return self._raised(error)
            finally:
                # A copy that the function has made of this process would go on with the calls beside this one, and
                # those might copy it again.
                if os.getpid() != own:
                    os._exit(0)

        task = asyncio.ensure_future(guarded())
        try:
            await asyncio.wait({task}, timeout=timeout)
        finally:
            task.cancel()  # does nothing to one that has ended
        if not task.done():
            raise RewardError(f"{self} did not return within {timeout:g} s (visual_rft.reward_timeout)")
        scored = task.result()
        if isinstance(scored, RewardError):
            raise scored
        return scored

    def _raised(self, error: BaseException) -> RewardError:
        raised = RewardError(f"{self} raised {type(error).__name__}: {error}")
        raised.__cause__ = error
        return raised

    def _numbers(self, result: Any) -> dict[str, float]:
        """Return the numbers among the results, which are logged; texts, which veRL takes too, are left out."""
        named = result if isinstance(result, Mapping) else {"score": result}
        numbers = {str(name): float(value) for name, value in named.items() if hasattr(value, "__float__")}
        if not math.isfinite(numbers.get("score", math.nan)):
            raise RewardError(f'{self} returned {str(result)[:200]!r}, without a finite number as "score"')
        return numbers


_LOAD = (
    "import sys; from verl_visual_rft.training.scoring.custom_function import CustomFunction as f; "
    "f(*sys.argv[1:]).load()"
)


def check_loads(function: CustomFunction) -> None:
    """Import a function in a process of its own, where nothing has started yet.

    Raises:
        UserError: It cannot be imported.
    """
    command = [sys.executable, "-c", _LOAD, function.path, function.name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_IMPORT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(f"{function} was not imported within {_IMPORT_SECONDS:g} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1].removeprefix("verl_visual_rft.errors.UserError: ")
        raise UserError(last if "cannot be loaded" in last else f"{function}: exit status {done.returncode}: {last}")


@cache
def _load(path: str, name: str) -> Callable[..., Any]:
    """As veRL's ``load_extern_object``, which would import all of veRL in the process that scores."""
    if path.startswith("pkg://"):
        module = importlib.import_module(path.removeprefix("pkg://"))
    else:
        file = Path(path.removeprefix("file://"))
        spec = importlib.util.spec_from_file_location(f"custom_function_{file.stem}", file)
        if spec is None or spec.loader is None:
            raise ImportError("it is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # where dataclasses look
        spec.loader.exec_module(module)
    function: Callable[..., Any] = getattr(module, name)
    return function


def custom_function(config: Mapping[str, Any]) -> CustomFunction | None:
    """Return the function that a GRPO configuration names; None where it names none.

    Raises:
        UserError: There is no such file, or a setting stands beside it that needs a reward of ours.
    """
    settings = config.get("reward", {}).get("custom_reward_function") or {}
    older = config.get("custom_reward_function") or {}  # where veRL had it; its trainer moves it
    settings = older if older.get("path") else settings
    path = settings.get("path")
    if not path:
        return None
    file = Path(path.removeprefix("file://"))
    if not path.startswith("pkg://") and not file.is_file():
        raise UserError(f"{_KEY}.path={path}: no such file")
    if not settings.get("name"):
        raise UserError(f"{_KEY}.name: say which function of {path} it is")
    if config["visual_rft"]["tau"] != "fixed":
        raise UserError(f"visual_rft.tau={config['visual_rft']['tau']} is for rewards of ours; leave out {_KEY}, or it")
    kwargs: Any = settings.get("reward_kwargs") or {}
    kwargs = OmegaConf.to_object(kwargs) if OmegaConf.is_config(kwargs) else kwargs
    return CustomFunction(path, settings["name"], kwargs)
