# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of servers that mean no good: each ends in one line within the limit, and nothing goes anywhere else."""

from __future__ import annotations

import gzip
import io
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict import predict
from verl_visual_rft.evaluation.predict.engines.openai_server import OpenAIEngine, OpenAISettings

pytest.importorskip("openai")

KEY = "sk-very-secret-key-0123456789"


def answer(content: Any = "<answer>No Objects</answer>", reason: Any = "stop", usage: Any = None) -> bytes:
    message = {"role": "assistant", "content": content}
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": usage or {"prompt_tokens": 1, "completion_tokens": 5, "total_tokens": 6},
    }
    return json.dumps(body).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.requests += 1
        try:
            self.server.mode(self)
        except OSError:
            pass  # the client gave up

    def reply(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = 0
        self.mode: Callable[[Handler], None] = lambda handler: handler.reply(answer())
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def row() -> dict[str, Any]:
    picture = io.BytesIO()
    Image.new("RGB", (56, 56)).save(picture, "PNG")
    return {
        "prompt": [{"role": "user", "content": "<image>Where?"}],
        "images": [{"bytes": picture.getvalue(), "min_pixels": 3136, "max_pixels": 4000}],
        "extra_info": {"index": 0, "file_name": "1.jpg", "category": "cat"},
    }


def ask(server: Server, timeout: float = 30.0) -> Any:
    engine = OpenAIEngine(OpenAISettings(server.url, "m", timeout=timeout, retries=0))
    try:
        ((_, [said]),) = engine.answer([[row()]])
        return said
    finally:
        engine.close()


def drip(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("content-length", "100000")
    handler.end_headers()
    while True:
        handler.wfile.write(b" ")
        time.sleep(0.1)


def drip_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-A: b\r\n")
        time.sleep(0.1)


def drip_status(handler: Handler) -> None:
    while True:
        handler.wfile.write(b"H")
        time.sleep(0.1)


def drip_chunks(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    while True:
        handler.wfile.write(b"1\r\n \r\n")
        time.sleep(0.1)


@pytest.mark.parametrize("mode", [drip, drip_headers, drip_chunks, lambda handler: time.sleep(5)])
def test_a_drip_does_not_outlive_the_time_out(mode: Callable[[Handler], None], server: Server) -> None:
    server.mode = mode
    with pytest.raises(UserError, match="no answer within 1 s, at row 0 .1.jpg, 'cat'."):
        ask(server, timeout=1.0)


def bomb(packed: bytes, encoding: str) -> Callable[[Handler], None]:
    return lambda handler: handler.reply(packed, content_encoding=encoding)


LARGE = b" " * (65 << 20)


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        (bomb(gzip.compress(LARGE), "gzip"), "an answer of more than 64 MiB"),
        (bomb(zlib.compress(LARGE), "deflate"), "an answer of more than 64 MiB"),
        (lambda handler: handler.reply(LARGE), "an answer of more than 64 MiB"),
        (bomb(b"..", "br"), "an answer packed by 'br'"),
        (bomb(b"..", "zstd"), "an answer packed by 'zstd'"),
        (bomb(gzip.compress(gzip.compress(b"{}")), "gzip, gzip"), "an answer packed by 'gzip, gzip'"),
    ],
)
def test_a_bomb_is_not_unpacked(mode: Callable[[Handler], None], message: str, server: Server) -> None:
    server.mode = mode
    with pytest.raises(UserError, match=f"an answer outside the protocol .UnusableAnswer: {message}"):
        ask(server)


def test_an_ordinary_packed_answer_is_read(server: Server) -> None:
    server.mode = bomb(gzip.compress(answer("packed")), "gzip")
    assert ask(server).text == "packed"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_pictures_are_not_posted_to_another_host(status: int, server: Server) -> None:
    with Server() as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        server.mode = lambda handler: handler.reply(b"", status, location=f"{other.url}/chat/completions")
        with pytest.raises(UserError, match=rf"status {status} \(redirects are not followed, give the final address\)"):
            ask(server)
        assert other.requests == 0
        other.shutdown()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000,
        answer().replace(b'"stop"', b"[" * 50_000 + b"]" * 50_000),
        answer().replace(b": 5,", b": " + b"9" * 5000 + b","),
        answer(usage={"completion_tokens": "many"}),
        answer(usage={"completion_tokens": 1.5}),
        answer(usage={"completion_tokens": True}),
        answer(usage={"completion_tokens": -(10**30)}),
        answer(usage=[1]),
        answer().replace(b": 5,", b": NaN,"),
        answer(reason={"a": 1}),
        answer(reason=7),
        answer(reason="z" * 1_000_000),
        answer(content=5),
        answer(content=[{"type": "text", "text": "x"}]),
        b"{not json",
        b"null",
        b"",
        b'{"choices": 5}',
        b'{"choices": [{"message": null}]}',
    ],
)
def test_what_is_not_the_protocol_is_refused_in_one_line(body: bytes, server: Server) -> None:
    server.mode = lambda handler: handler.reply(body)
    with pytest.raises(UserError, match="an answer outside the protocol") as caught:
        ask(server)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "mode",
    [
        lambda handler: handler.reply(json.dumps({"error": {"message": f"wrong key {KEY}"}}).encode(), 401),
        lambda handler: handler.reply(json.dumps({"error": {"message": "x" * 290 + KEY}}).encode(), 400),
        lambda handler: handler.reply(handler.headers["authorization"].encode(), 403),
        lambda handler: handler.reply(answer(reason=KEY * 9)),
        lambda handler: handler.reply(b"", 307, location=f"http://example.org/{KEY}"),
    ],
)
def test_a_key_that_is_echoed_is_not_printed(
    mode: Callable[[Handler], None], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.mode = mode
    with pytest.raises(UserError) as caught:
        ask(server)
    assert KEY not in str(caught.value) and KEY[:12] not in str(caught.value)


def test_a_key_that_is_answered_is_not_written(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(tmp_path / "key"))
    server.mode = lambda handler: handler.reply(answer(f"you are {handler.headers['authorization']}"))
    assert ask(server).text == "you are Bearer [the key]"


@pytest.mark.parametrize(
    ("reason", "written"),
    [
        (KEY, "[the key]"),
        (f"stop {KEY}", "stop [the key]"),
        ("\ud800", "?"),
        ("a\udfff\n", "a?\n"),
        ("length", "length"),
    ],
)
def test_the_reason_of_an_end_is_written_like_the_answer(
    server: Server, monkeypatch: pytest.MonkeyPatch, reason: str, written: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.mode = lambda handler: handler.reply(answer(reason=reason))
    assert ask(server).finish_reason == written


@pytest.mark.parametrize(
    "url",
    ["http://user:pass@a/v1", "http://pass@a/v1", "https://a/v1?key=pass", "http://:pass@a", "https://a/v1#key=pass"]
    + ["user:pass@a/v1", "pass@a:8000", "http://user:pass/word@a/v1", "http://user:pass@a:99999/v1", "//user:pass@a"]
    + ["http://user:pass#word@a/v1", "ftp://user:pass@a/v1", "http://user:pass\\@a/v1", "http://[user:pass@a/v1"],
)
def test_an_address_with_a_secret_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(UserError, match="set OPENAI_API_KEY, or OPENAI_API_KEY_FILE") as caught:
        OpenAISettings(url, "m")
    shown = str(caught.value).replace("holds a user, a password", "")
    assert "pass" not in shown


def test_a_password_in_the_place_of_the_port_is_not_shown() -> None:
    with pytest.raises(UserError, match="--url is no address of scheme, host and port") as caught:
        OpenAISettings("http://user:pass", "m")
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://a:99999/v1", "http://a:-1/v1", "http://a:x/v1", "http://a:0/v1", "ftp://a/v1", "a:8000/v1", "http://", ""]
    + ["http://a/v1\n", "http://a/\x1b[31m", "http://a b/v1", "http://[::1/v1", "file:///etc/passwd", "http://a/\x00"],
)
def test_what_is_no_address_is_one_line(url: str) -> None:
    with pytest.raises(UserError, match="--url .*(http://localhost:8000/v1)") as caught:
        OpenAISettings(url, "m")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["a\nb", "ключ", "a b", "a\x1b[31m", "\x00".replace("\x00", "\t")])
def test_a_key_that_no_header_can_carry_is_not_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UserError, match="OPENAI_API_KEY holds a character that no key has") as caught:
        OpenAIEngine(OpenAISettings("http://a/v1", "m"))
    assert key not in str(caught.value)


def test_a_folder_as_out_is_refused_before_the_first_answer(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--out .* is a folder; give the file to write"):
        predict(OpenAISettings(server.url, "m"), tmp_path / "val.parquet", tmp_path)
    assert server.requests == 0
