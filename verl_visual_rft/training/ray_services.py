# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The two processes of a run's own Ray cluster without which nothing in it works, as the launcher sees them.

A run that has lost its raylet or its head service (GCS) may wait for them: workers for 60 s and more (ray 2.60
``gcs_rpc_server_reconnect_timeout_s``), a driver inside a call for as long as the call. The trainer itself notices
deaths of workers (`verl_visual_rft.training.guards.lost_workers`).
"""

from __future__ import annotations

import time

import psutil

_SERVICES = ("raylet", "gcs_server")
_LOOK_EVERY = 5.0  # seconds
_GRACE = 15.0  # seconds in which the run may end by itself
_AT_THE_END = 10.0  # seconds that a run may take to end after it has ended its services itself


class RayServices:
    """Looks after the services that a command has started.

    Args:
        pid: Of the command.
    """

    def __init__(self, pid: int) -> None:
        self._command = psutil.Process(pid)
        self._seen: dict[psutil.Process, str] = {}
        self._looked = self._lost_at = 0.0
        self._lost = ""

    @property
    def given_up(self) -> bool:
        """Whether a service is gone and the run has not ended in time; cheap to ask often."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_EVERY:
            self._looked = now
            if not self._lost:
                self._lost, self._lost_at = self._look(), now
        return bool(self._lost) and now - self._lost_at > _GRACE

    def lost(self) -> str:
        """Return which service the run has died of; empty where none was gone for longer than at the end of any run."""
        return self._lost if time.monotonic() - self._lost_at > _AT_THE_END else ""

    def _look(self) -> str:
        try:
            children = self._command.children(recursive=True)
        except psutil.NoSuchProcess:
            return ""  # the command itself has ended
        for child in children:
            try:
                if child not in self._seen and child.name() in _SERVICES:
                    self._seen[child] = child.name()
            except psutil.NoSuchProcess:
                continue
        gone = [f"{name} (pid {service.pid})" for service, name in self._seen.items() if not _lives(service)]
        return f"Ray's {' and '.join(gone)} died" if gone else ""


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
