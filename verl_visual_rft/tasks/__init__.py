# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a model can be asked. A task is one folder here, or one module of another package; nothing else knows any."""

from __future__ import annotations

from verl_visual_rft.tasks.marks import Mark
from verl_visual_rft.tasks.reading import read_truth
from verl_visual_rft.tasks.registry import load_task, task_names
from verl_visual_rft.tasks.sample import Sample, make_sample
from verl_visual_rft.tasks.task import Task, Truth

__all__ = ["Mark", "Sample", "Task", "Truth", "load_task", "make_sample", "read_truth", "task_names"]
