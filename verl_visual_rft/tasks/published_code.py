# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The published code's way to read and score a response, bug for bug: what the `reference` reward of all tasks shares.

What is reproduced is the behaviour of ``grpo.py``, ``grpo_classification.py`` and ``grpo_lisa.py`` in
``src/virft/src/open_r1`` of github.com/Liuziyu77/Visual-RFT at revision 9486633. It reads responses in its own way, so
neither the parsers of our tasks nor the geometry of `verl_visual_rft.boxes` has a part in it.
"""

from __future__ import annotations

import math
import re
from threading import current_thread, main_thread

from verl_visual_rft.errors import PackageMissingError

# What reading and scoring an answer of any shape can raise. The published code takes any exception as a wrong answer.
WRONG_ANSWER = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)

_THINK_THEN_ANSWER = re.compile(r"</think>\s*<answer>")


class SymbolicCheck:
    """The step that the published code begins with, for any task.

    Args:
        symbolic_check: When math-verify finds response and solution equal, the accuracy terms are 1 and nothing else is
            looked at. It compares one number of each text (for detection y1 of the first boxes), so it pays for
            coincidences. ``False`` is the same code without that step.

    Raises:
        PackageMissingError: math-verify is not installed, and `symbolic_check` asks for it.
    """

    def __init__(self, symbolic_check: bool = True) -> None:
        self.symbolic_check = symbolic_check
        #: The symbolic check may take its time, so training runs it in a process of its own, which can be ended.
        self.trusted = not symbolic_check
        if symbolic_check:
            _require_math_verify()

    def passes_symbolic_check(self, response: str, solution: str) -> bool:
        """Whether math-verify finds them equal, where it is asked."""
        return self.symbolic_check and _equal_symbolically(response, solution)


def published_total(components: dict[str, float], may_be_nan: bool = False) -> dict[str, float]:
    """Return the components and their sum; those that are not finite become 0 and are reported."""
    finite = {name: value if math.isfinite(value) else 0.0 for name, value in components.items()}
    result = {"score": sum(finite.values()), **finite}
    if may_be_nan:
        result["nan"] = float(finite != components)
    return result


def has_published_format(response: str) -> float:
    r"""Return whether all of it matches ``<think>.*?</think>\s*<answer>.*?</answer>``, in linear time."""
    if not (response.startswith("<think>") and response.endswith("</answer>")):
        return 0.0
    between = _THINK_THEN_ANSWER.search(response, len("<think>"), len(response) - len("</answer>"))
    return float(between is not None)


def answer_text(text: str, across_lines: bool = False) -> str:
    """Return the first answer block, be it in the reasoning; the whole text when there is none.

    A block of several lines is none, unless it may go across lines.
    """
    for part in [text] if across_lines else text.split("\n"):
        block, closing_tag, _ = part.partition("<answer>")[2].partition("</answer>")
        if closing_tag:
            return block.strip()
    return text.strip()


def _require_math_verify() -> None:
    try:
        import math_verify  # noqa: F401  # it loads SymPy: only who asks for the check pays for it
    except ImportError as error:
        raise PackageMissingError(
            f"the reward 'reference' needs math-verify, which cannot be imported ({error}): "
            "pip install 'math-verify[antlr4_9_3]'"
        ) from error


def _equal_symbolically(response: str, solution: str) -> bool:
    from math_verify import parse, verify

    # math-verify ends what takes longer than this (``9**9**9``) by a signal, which only a main thread gets; elsewhere
    # it refuses to work with a limit, and without one such a response is never done: see `SymbolicCheck`.
    seconds = 5 if current_thread() is main_thread() else None
    try:
        answer = parse(response, parsing_timeout=seconds)
        return float(verify(answer, parse(solution, parsing_timeout=seconds), timeout_seconds=seconds)) > 0
    except Exception:  # the published code goes on whatever math-verify and SymPy raise
        return False
