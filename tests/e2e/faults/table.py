# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A campaign as Markdown tables."""

from __future__ import annotations

import re
from collections.abc import Sequence

from faults.cases import Case
from faults.kills import MOMENTS, PARTS, Outcome

_LONGEST = 150  # characters of what the launcher said


def page(outcomes: Sequence[Outcome], cases: Sequence[Case]) -> str:
    """Return the tables of kills by part, of the other faults, and of every kill."""
    return "\n\n".join([_by_part(outcomes), _of_cases(cases), _of_kills(outcomes)]) + "\n"


def _by_part(outcomes: Sequence[Outcome]) -> str:
    rows = []
    for part in PARTS:
        mine = [outcome for outcome in outcomes if outcome.kill.part == part]
        by_moment = [", ".join(_seconds(one) for one in mine if one.kill.moment == moment) for moment in MOMENTS]
        said = [_said(outcome.said) for outcome in mine]
        if mine:
            rows.append([part, *(cell or "–" for cell in by_moment), max(reversed(said), key=_is_an_error) or "–"])
    return _table(["killed", "in the start", "in a step", "in the writing of a checkpoint", "said, for one"], rows)


def _of_cases(cases: Sequence[Case]) -> str:
    rows = [
        [
            case.fault,
            "–" if case.seconds is None else f"{case.seconds:.0f} s",
            _said(case.said),
            "–" if case.resumed is None else f"with step {case.resumed}",
            case.wrong or "as it should be",
        ]
        for case in cases
    ]
    return _table(["fault", "ended after", "said", "resumed once mended", ""], rows)


def _of_kills(outcomes: Sequence[Outcome]) -> str:
    rows = [
        [
            str(number),
            outcome.kill.part,
            outcome.kill.moment,
            _seconds(outcome),
            str(outcome.logged or "–"),
            str(outcome.saved),
            outcome.wrong or "as it should be",
        ]
        for number, outcome in enumerate(outcomes, start=1)
    ]
    return _table(["", "killed", "when", "ended after", "last step logged", "goes on from", ""], rows)


def _seconds(outcome: Outcome) -> str:
    missed = outcome.kill.moment == "checkpoint" and not outcome.inside
    return ("went on" if outcome.went_on else f"{outcome.seconds:.0f} s") + (" (just after it)" if missed else "")


def _is_an_error(said: str) -> tuple[bool, bool]:
    return "LostWorkerError" in said, "Error: " in said


def _said(text: str) -> str:
    r"""Return the error in what the launcher said, without folders.

    Example:
        >>> _said("GRPO failed (exit status 1): x.LostWorkerError: raylet | died The whole log: /a/log.txt")
        'LostWorkerError: raylet / died'
    """
    text = re.sub(r"The whole log:.*|GRPO failed \(exit status -?\d+\):|^GRPO:", "", text).strip()
    text = re.sub(r"(?:\w+\.)+(\w+(?:Error|Exception))\b", r"\1", text)
    text = re.sub(r"(?<=died: )The actor died unexpectedly before finishing this task\. | ip: \S+", "", text)
    text = re.sub(r"/[\w./-]+/([\w.-]+)", r"\1", text).replace("|", "/")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
