# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict import meta_path, predict
from verl_visual_rft.evaluation.predict.engines.openai_server import OpenAISettings
from verl_visual_rft.evaluation.predict.engines.pictures import load_image
from verl_visual_rft.evaluation.predictions import read_predictions

pytest.importorskip("openai")


class Server(ThreadingHTTPServer):
    """A chat server that answers with the seed it is sent; what it does before that is a test's business."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.requests: list[dict[str, Any]] = []
        self.seen: Counter[int] = Counter()
        self.misbehave = lambda seed, times: None
        self.lock = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.requests.append(request | {"path": self.path, "key": self.headers["authorization"]})
            self.server.seen[request["seed"]] += 1
            times = self.server.seen[request["seed"]]
        fault = self.server.misbehave(request["seed"], times)
        if isinstance(fault, float):
            time.sleep(fault)
        message = {"role": "assistant", "content": f"answer \ud800 {request['seed']}"}
        choice = {"index": 0, "finish_reason": "length", "message": message}
        usage = {"prompt_tokens": 1, "completion_tokens": 7, "total_tokens": 8}
        body: Any = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        body["usage"] = usage
        status = 200
        if isinstance(fault, int):
            status, body = fault, {"error": {"message": "out of memory\nat frame 1", "type": "server_error"}}
        elif isinstance(fault, dict | list):
            body = fault
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.send_header("retry-after-ms", "1")
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            pass  # the client gave up waiting

    def log_message(self, *arguments):
        pass


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def settings(server: Server, **changes: Any) -> OpenAISettings:
    return OpenAISettings(**{"url": server.url, "model": "qwen", "concurrency": 4, "retries": 3} | changes)


def test_the_protocol(server, parquet, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    data, out = parquet(1), tmp_path / "predictions.jsonl"
    predict(settings(server, max_tokens=50, seed=10), data, out)
    request = min(server.requests, key=lambda request: request["seed"])
    assert (request["path"], request["key"], request["model"]) == ("/v1/chat/completions", "Bearer secret", "qwen")
    assert (request["temperature"], request["max_tokens"], request["seed"]) == (0.0, 50, 10)
    (message,) = request["messages"]
    picture, text = message["content"]
    assert (message["role"], text) == (
        "user",
        {"type": "text", "text": "Detect all objects belonging to the category 'cat'."},
    )
    sent = Image.open(BytesIO(base64.b64decode(picture["image_url"]["url"].removeprefix("data:image/png;base64,"))))
    seen = load_image(pq.read_table(data).to_pylist()[0])
    assert (sent.size, sent.mode, sent.tobytes()) == (seen.size, "RGB", seen.tobytes())

    prediction = read_predictions(out)[2]
    assert (prediction.response, prediction.response_tokens, prediction.finish_reason) == ("answer ? 12", 7, "length")
    assert "secret" not in meta_path(out).read_text()
    assert json.loads(meta_path(out).read_text())["engine"] == {"name": "openai", "url": server.url, "model": "qwen"}


def test_a_server_that_fails_and_recovers_is_asked_again(server, parquet, tmp_path):
    server.misbehave = lambda seed, times: {1: 500, 2: 503, 3: 429}.get(times) if seed % 2 else None
    out = predict(settings(server), parquet(4), tmp_path / "predictions.jsonl").out
    assert [prediction.response for prediction in read_predictions(out)] == [f"answer ? {i}" for i in range(12)]
    assert server.seen == {seed: 4 if seed % 2 else 1 for seed in range(12)}


def test_a_request_that_takes_too_long_is_sent_again(server, parquet, tmp_path):
    server.misbehave = lambda seed, times: 8.0 if (seed, times) == (2, 1) else None
    out = predict(settings(server, timeout=2.0), parquet(1), tmp_path / "predictions.jsonl").out
    assert [prediction.response for prediction in read_predictions(out)] == [f"answer ? {i}" for i in range(3)]
    assert server.seen == {0: 1, 1: 1, 2: 2}


@pytest.mark.parametrize(
    ("fault", "retries", "message", "times"),
    [
        (500, 3, r"status 500, .*out of memory.*at row 5 \(2.jpg, 'toaster'\)", 4),
        (8.0, 0, r"no answer within 2 s, at row 5", 1),
        (400, 3, r"status 400", 1),
        (401, 3, r"status 401", 1),
        ({"choices": []}, 3, r"an answer outside the protocol", 1),
        ([1], 3, r"an answer outside the protocol", 1),
    ],
)
def test_a_server_that_goes_on_failing_stops_the_run_and_what_is_done_is_kept(
    server, parquet, tmp_path, fault, retries, message, times
):
    data, out = parquet(6), tmp_path / "predictions.jsonl"
    server.misbehave = lambda seed, times: fault if seed == 5 else None
    with pytest.raises(UserError, match=message) as stop:
        predict(settings(server, retries=retries, timeout=2.0 if fault == 8.0 else 60.0), data, out)
    assert "same command again" in str(stop.value)
    assert not out.exists()
    assert server.seen[5] == times
    kept = len(next(tmp_path.glob("*.partial")).read_bytes().splitlines())
    assert f"{kept} of 18 answers are kept" in str(stop.value)
    answered = len(server.seen) - 1
    assert kept == answered >= 5, "every answer that came is kept, those of requests under way too"

    server.misbehave = lambda seed, times: None
    server.seen.clear()
    assert predict(settings(server), data, out).resumed == kept
    assert sum(server.seen.values()) == 18 - kept
    untroubled = predict(settings(server), data, tmp_path / "untroubled.jsonl").out
    assert out.read_bytes() == untroubled.read_bytes()


@pytest.mark.parametrize("change", ["the address", "the model's name"])
def test_answers_of_another_server_are_not_gone_on_with(server, parquet, tmp_path, capsys, change):
    data, out = parquet(2), tmp_path / "predictions.jsonl"
    server.misbehave = lambda seed, times: 400 if seed == 5 else None
    with pytest.raises(UserError, match="5 of 6 answers are kept"):
        predict(settings(server, concurrency=1), data, out)
    (kept,) = tmp_path.glob("*.partial")
    before = kept.read_bytes()

    server.misbehave = lambda seed, times: None
    server.seen.clear()
    with serving() as elsewhere:
        asked, model = (elsewhere, "qwen") if change == "the address" else (server, "qwen-rft")
        assert predict(settings(asked, model=model), data, out).resumed == 0
        assert sum(asked.seen.values()) == 6
    assert f"{kept} holds answers of another model, server" in capsys.readouterr().out
    assert kept.read_bytes() == before


INTERRUPTED = """
import sys
from pathlib import Path

from verl_visual_rft.evaluation.predict import predict
from verl_visual_rft.evaluation.predict.engines.openai_server import OpenAISettings

url, data, out = sys.argv[1:]
predict(OpenAISettings(url, "qwen", concurrency=4), Path(data), Path(out))
"""


def test_an_interrupted_run_does_not_wait_for_a_server_that_hangs(server, parquet, tmp_path):
    server.misbehave = lambda seed, times: 60.0 if seed == 5 else None
    (tmp_path / "script.py").write_text(INTERRUPTED)
    run = subprocess.Popen([sys.executable, tmp_path / "script.py", server.url, parquet(4), tmp_path / "out.jsonl"])
    while sum(server.seen.values()) < 12:
        assert run.poll() is None
        time.sleep(0.01)
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=20) != 0
    (journal,) = tmp_path.glob("*.partial")
    assert len(journal.read_bytes().splitlines()) == 11


def test_no_server_at_all(server, parquet, tmp_path):
    nowhere = settings(server, url="http://127.0.0.1:9/v1", retries=0)
    with pytest.raises(
        UserError, match=r"http://127.0.0.1:9/v1: no connection [^\n]*same command again[^\n]*\n.*0 of 3 answers"
    ):
        predict(nowhere, parquet(1), tmp_path / "predictions.jsonl")
