# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The error types that are meant for the person at the keyboard."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend: the message names what is wrong, where, and the remedy.

    Commands print the message without a traceback and exit with status 2.
    """


class RewardError(UserError):
    """A reward of another package failed on a response: it raised, did not return, or returned no finite numbers."""
