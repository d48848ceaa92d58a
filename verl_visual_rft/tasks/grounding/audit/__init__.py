# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The audit of grounding."""

from __future__ import annotations

from verl_visual_rft.tasks.audited import AuditedTask
from verl_visual_rft.tasks.audited.policy import unasked_reasoning
from verl_visual_rft.tasks.grounding.audit.policies import CHEATS, HONEST, honest
from verl_visual_rft.tasks.grounding.audit.questions import STRATA, make_truth, strata_of

AUDIT = AuditedTask(HONEST, CHEATS, unasked_reasoning(honest), STRATA, strata_of, make_truth)
