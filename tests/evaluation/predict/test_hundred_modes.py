# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Five hundred answers of a server with every way to answer wrongly: an answer, or one line within the limit."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import visual_rft
from shared_inputs import shared

from verl_visual_rft.evaluation.predictions import read_predictions

pytest.importorskip("openai")
pytestmark = pytest.mark.long

KEY = "sk-very-secret-key-0123456789"
SERVER = "cases/attacks/hostile_server.py"
ROUNDS = 5  # of three questions each, to every mode
#: Their answers are held to the protocol, or are in it.
ANSWERED = {"ok", "cookie", "latest", "contentnull", "contentnul", "content8m", "contentscript", "contentsurrogate"}
ANSWERED.add("429ra1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """Its port, and the log of its requests; the port above is the host that redirects lead to."""
    log = tmp_path_factory.mktemp("server") / "log"
    port = free_ports()
    with subprocess.Popen([sys.executable, shared(SERVER), str(port), str(log)]) as process:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, log
        process.kill()


def free_ports() -> int:
    """Return a free port whose neighbour is free, too."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = int(first.getsockname()[1])
            try:
                with socket.create_server(("127.0.0.1", port + 1)), socket.create_server(("127.0.0.2", port + 1)):
                    return port
            except (OSError, OverflowError):
                continue


def test_every_mode_is_an_answer_or_one_line(
    server: tuple[int, Path], parquet: Callable[[int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    port, log = server
    modes = re.findall(r"def m_(\w+)", shared(SERVER).read_text())
    assert len(modes) > 50
    data, answered = parquet(1), set()
    for round_ in range(ROUNDS):
        for mode in modes:
            if mode == "gzipbomb" and round_:
                continue  # the server takes seconds and gigabytes for it
            out = tmp_path / f"{mode}.{round_}.jsonl"
            timeout = 60 if mode in ("gzipbomb", "content8m") else 3
            address = ("--url", f"http://127.0.0.1:{port}/{mode}/v1", "--model", "m", "--timeout", timeout)
            sent = ("--concurrency", round_ + 1, "--retries", int(mode == "429ra1"))
            done = visual_rft("predict", "--engine", "openai", *address, *sent, "--data", data, "--out", out)
            printed = done.stdout + done.stderr
            assert not {character for character in printed if character < " "} - {"\n"}, (mode, printed)
            assert KEY not in printed and "Traceback" not in printed, (mode, printed)
            assert all(len(line) < 1500 for line in printed.splitlines()), (mode, printed)
            assert out.exists() == (done.returncode == 0), (mode, printed)
            if done.returncode:
                assert done.returncode == 2 and done.stderr.startswith("visual-rft: error: "), (mode, printed)
            else:
                answered.add(mode)
                assert len(read_predictions(out)) == 3
                assert KEY not in out.read_text()
    requests = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(requests) >= 500
    assert {request["port"] for request in requests} == {port}
    assert not {request["path"] for request in requests} & {"/latest/meta-data"}
    assert answered >= ANSWERED
    print(f"{len(requests)} requests, {len(modes)} modes; answered: {sorted(answered)}")
