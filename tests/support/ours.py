# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tasks and components of this package alone, whatever other packages the environment has."""

from verl_visual_rft.packages import OUR_PACKAGE
from verl_visual_rft.rewards.registry import _FORM
from verl_visual_rft.tasks import load_task, task_names
from verl_visual_rft.tasks.registry import task_package

OUR_TASKS = tuple(name for name in task_names() if task_package(name) == OUR_PACKAGE)
OUR_COMPONENTS = sorted({*_FORM, *(name for task in OUR_TASKS for name in load_task(task).components)})
