# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Sample rollouts as a page: one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Sequence

from verl_visual_rft.pages import templates_of
from verl_visual_rft.training.monitoring.samples import Rollout


def render_page(step: int, rollouts: Sequence[Rollout]) -> str:
    """Return the page of a step; what a model or a row wrote is escaped, and no script runs.

    Raises:
        UserError: jinja2 is not installed.
    """
    environment = templates_of("verl_visual_rft.training.monitoring")
    return environment.get_template("samples.html.j2").render(step=step, rollouts=rollouts)
