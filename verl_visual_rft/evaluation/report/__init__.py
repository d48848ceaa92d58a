# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""``report.html``: one run's figures, curves and pictures in one file that needs neither network nor server."""

from verl_visual_rft.evaluation.report.page import ReportResult, build_report

__all__ = ["ReportResult", "build_report"]
