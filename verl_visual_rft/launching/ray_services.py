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

#: Bytes that the path of Ray's folder may have: its sockets lie 64 bytes below it (ray 2.60 ``_private/node.py``:
#: "/session_2026-11-28_12-12-23_123456_1234567/sockets/plasma_store"), and a Unix socket's path has at most 107.
LONGEST_FOLDER = 107 - 64

_SERVICES = ("raylet", "gcs_server")
_LOOK_EVERY = 5.0  # seconds
_GRACE = 15.0  # seconds in which the run may end by itself
_APART = 10.0  # seconds between the ends of the two, more than where the run ends them
_END_WITHIN = 60.0  # seconds from the end of both to the run's own; on a busy machine it takes more than 15


class RayServices:
    """Looks after the services that a command has started.

    Args:
        pid: Of the command.
    """

    def __init__(self, pid: int) -> None:
        self._command = psutil.Process(pid)
        self._seen: dict[psutil.Process, str] = {}
        self._gone: dict[psutil.Process, float] = {}  # since when
        self._looked = 0.0

    @property
    def given_up(self) -> bool:
        """Whether a service is gone and the run has not ended in time; cheap to ask often."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_EVERY:
            self._looked = now
            self._look(now)
        if not self._gone:
            return False
        return now - min(self._gone.values()) > (_END_WITHIN if self._all_gone else _GRACE)

    def lost(self) -> str:
        """Return which service the run has died of; empty where none is gone, or both are, as at the end of any run."""
        given_up, now = self.given_up, time.monotonic()
        self._look(now)
        until = max(self._gone.values()) if self._gone and self._all_gone and not given_up else now
        gone = [f"{self._seen[service]} (pid {service.pid})" for service, t in self._gone.items() if until - t > _APART]
        return f"Ray's {' and '.join(gone)} died" if gone else ""

    @property
    def _all_gone(self) -> bool:
        return len(self._gone) == len(self._seen)

    def _look(self, now: float) -> None:
        try:
            children = self._command.children(recursive=True)
        except psutil.NoSuchProcess:
            return  # the command itself has ended
        for child in children:
            try:
                if child not in self._seen and child.name() in _SERVICES:
                    self._seen[child] = child.name()
            except psutil.NoSuchProcess:
                continue
        for service in self._seen:
            if service not in self._gone and not _lives(service):
                self._gone[service] = now


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
