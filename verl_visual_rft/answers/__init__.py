# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Reading text: tags, notations, lists, ways of saying nothing. What the parsers of tasks are made of."""

from __future__ import annotations

from verl_visual_rft.answers.answer import EXTENT, NO_ANSWER_REASON, Answer, Outcome

__all__ = ["EXTENT", "NO_ANSWER_REASON", "Answer", "Outcome"]
