# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Answers of a server that speaks OpenAI's chat protocol: ``vllm serve``, SGLang, or a paid one.

Only the protocol's own parameters are sent, so that every server takes them. What a server adds on its own (a
repetition penalty from the model's generation config, say) stays: start vLLM's with ``--generation-config vllm`` to
get the answers of the offline engine.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict.engines.engine import Engine, Response, Row, answer_in_parallel, where
from verl_visual_rft.evaluation.predict.engines.pictures import load_image
from verl_visual_rft.input_files import read_text

_MOST_REASON = 100  # characters of a finish reason


@dataclass(frozen=True)
class OpenAISettings:
    """Which server and how to ask it.

    The key is the environment's ``OPENAI_API_KEY``, or the content of the file ``OPENAI_API_KEY_FILE``; servers of
    one's own need none. It is never part of the address, which is written down with the answers.

    Attributes:
        url: Base address, "http://localhost:8000/v1".
        model: Name under which the server serves the model.
        max_tokens: Longest answer, in tokens.
        temperature: 0 is greedy.
        seed: A question is sent this plus its row's index.
        concurrency: Questions under way at a time.
        timeout: Seconds that one request may take, to the last byte of its answer.
        retries: How often a request is sent again after a time-out, a lost connection or a status of 408, 409, 429 or
            5xx, after 0.5, 1, 2, ... 8 seconds, or as the server asks.

    Raises:
        UserError: The address is none, or holds a password or a key.
    """

    url: str
    model: str
    max_tokens: int = 1024
    temperature: float = 0.0
    seed: int = 0
    concurrency: int = 32
    timeout: float = 600.0
    retries: int = 8
    batch: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if any(character <= " " or character == "\x7f" for character in self.url):
            raise UserError(
                "--url holds a blank or a control character; give an address such as http://localhost:8000/v1"
            )
        # An address that is none may hold a secret in any place, so none is shown.
        if re.search("[@?#]", self.url):
            raise UserError(
                "--url holds a user, a password, a query or a fragment, and is written down with the answers; leave "
                "them out, and set OPENAI_API_KEY, or OPENAI_API_KEY_FILE to a file with the key"
            )
        try:
            parts = urlsplit(self.url)
            whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            whole = False
        if not whole:
            raise UserError(
                "--url is no address of scheme, host and port from 1 to 65535; give one such as "
                "http://localhost:8000/v1"
            )

    def identity(self) -> dict[str, Any]:
        """Return all that decides the answers, as far as one knows of a server."""
        patience = ("concurrency", "timeout", "retries")
        return {"engine": "openai", **{key: value for key, value in asdict(self).items() if key not in patience}}

    def load(self) -> Engine:
        """Make the client; nothing is sent yet."""
        return OpenAIEngine(self)


class OpenAIEngine:
    """A client of one server."""

    def __init__(self, settings: OpenAISettings) -> None:
        """Make the client."""
        try:
            import openai

            from verl_visual_rft.evaluation.predict.engines.bounded_client import BoundedClient
        except ImportError as error:
            raise UserError("the package openai is missing; install it: pip install openai") from error
        self._settings, self._openai, self._key = settings, openai, _read_key()
        self._client = openai.AsyncOpenAI(
            base_url=settings.url,
            api_key=self._key or "none",
            timeout=settings.timeout,
            max_retries=settings.retries,
            http_client=BoundedClient(settings.timeout),
        )
        # In a thread that the end of the program does not wait for: a server may hang.
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def describe(self) -> dict[str, Any]:
        """Return server and sampling, JSON-ready."""
        settings = self._settings
        sampling = {"temperature": settings.temperature, "max_tokens": settings.max_tokens, "seed": settings.seed}
        return {"engine": {"name": "openai", "url": settings.url, "model": settings.model}, "sampling": sampling}

    def answer(self, batches: Iterable[Sequence[Row]]) -> Iterator[tuple[Sequence[Row], list[Response]]]:
        """Ask the questions, several at a time.

        Raises:
            UserError: The server refused a question, or went on failing after all retries.
        """
        return answer_in_parallel(self._submit, batches, self._settings.concurrency)

    def close(self) -> None:
        """Leave the requests that are under way unanswered."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _submit(self, rows: Sequence[Row]) -> Future[list[Response]]:
        return asyncio.run_coroutine_threadsafe(self._answer_batch(rows), self._loop)

    async def _answer_batch(self, rows: Sequence[Row]) -> list[Response]:
        return [await self._ask(row) for row in rows]

    async def _ask(self, row: Row) -> Response:
        settings, messages = self._settings, await asyncio.to_thread(_messages, row)
        try:
            completion = await self._client.chat.completions.create(
                model=settings.model,
                messages=messages,
                max_tokens=settings.max_tokens,
                temperature=settings.temperature,
                seed=settings.seed + row["extra_info"]["index"],
            )
            return self._checked(completion)
        except self._openai.APIStatusError as error:
            moved = " (redirects are not followed, give the final address)" if error.response.is_redirect else ""
            raise self._failure(row, f"status {error.status_code}{moved}, {error.message}") from error
        except self._openai.APITimeoutError as error:
            raise self._failure(row, f"no answer within {settings.timeout:g} s") from error
        except self._openai.APIConnectionError as error:
            raise self._failure(row, f"no connection ({error.__cause__ or error})") from error
        except Exception as error:  # whatever the client makes of an answer
            raise self._failure(row, f"an answer outside the protocol ({type(error).__name__}: {error})") from error

    def _checked(self, completion: Any) -> Response:
        """Return an answer as the predictions file takes it: the client passes on values of any type."""
        choice, usage = completion.choices[0], completion.usage
        text, reason = choice.message.content or "", choice.finish_reason or "stop"
        tokens = usage.completion_tokens if usage else None
        if not isinstance(text, str):
            raise ValueError(f"content is {self._without_key(repr(text))[:60]}")
        if not isinstance(reason, str) or len(reason) > _MOST_REASON:
            raise ValueError(f"finish_reason is {self._without_key(repr(reason))[:60]}")
        if tokens is not None and (type(tokens) is not int or not 0 <= tokens < 2**31):
            raise ValueError(f"usage.completion_tokens is {self._without_key(repr(tokens))[:60]}")
        written = (self._without_key(said).encode("utf-8", "replace").decode() for said in (text, reason))
        return Response(next(written), tokens, next(written))

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[the key]") if self._key else text

    def _failure(self, row: Row, what: str) -> UserError:
        what = _first_line(self._without_key(what))
        return UserError(
            f"{self._settings.url}: {what}, at {where(row)}, after up to {self._settings.retries} retries; mend the "
            "server or the settings and run the same command again, it goes on with the questions that are left"
        )


def _read_key() -> str:
    """Return the key; empty where there is none.

    Raises:
        UserError: The file cannot be read, or the key is none that a header can carry.
    """
    file = os.environ.get("OPENAI_API_KEY_FILE")
    key = read_text(Path(file), "mend OPENAI_API_KEY_FILE").strip() if file else os.environ.get("OPENAI_API_KEY", "")
    if not all("!" <= character <= "~" for character in key):
        raise UserError(
            f"{'OPENAI_API_KEY_FILE' if file else 'OPENAI_API_KEY'} holds a character that no key has; mend it"
        )
    return key


def _messages(row: Row) -> Any:
    return [{"role": message["role"], "content": _parts(message["content"], row)} for message in row["prompt"]]


def _parts(content: str, row: Row) -> list[dict[str, Any]]:
    before, mark, after = content.partition("<image>")
    texts = [{"type": "text", "text": text} if text else None for text in (before, after)]
    image = {"type": "image_url", "image_url": {"url": _data_url(row)}} if mark else None
    return [part for part in (texts[0], image, texts[1]) if part]


def _data_url(row: Row) -> str:
    file = BytesIO()
    load_image(row).save(file, format="PNG")  # without loss: the pixels of training
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0][:300]
