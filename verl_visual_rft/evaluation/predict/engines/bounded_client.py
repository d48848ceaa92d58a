# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The HTTP client that a server is asked with: what the server does, a request ends, and nothing goes elsewhere.

httpx's time-outs are for each piece of an answer, so one that drips outlives them; it unpacks whatever it is sent, and
openai's client has it follow redirects, which would post the pictures to another host.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any, Final

import openai

#: The HTTP library that openai is made of: httpx, or its successor of another name.
_httpx: Any = import_module(
    next(
        base for base in openai.DefaultAsyncHttpxClient.__mro__ if base.__name__ == "AsyncClient"
    ).__module__.partition(".")[0]
)

#: Most bytes of an answer, unpacked. The longest that a model writes has a few hundred kilobytes.
MOST_BYTES: Final = 64 << 20
#: Encodings that grow by a factor of a thousand at most, so that a piece of an answer stays small when unpacked.
_ENCODINGS: Final = ("gzip", "deflate", "identity")


class UnusableAnswer(Exception):
    """An answer that is too large or packed in an unknown way."""


class BoundedClient(openai.DefaultAsyncHttpxClient):
    """openai's default client with limits on a whole answer.

    Args:
        seconds: That a request may take from its first byte to the last of its answer.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(timeout=seconds, follow_redirects=False, headers={"Accept-Encoding": ", ".join(_ENCODINGS)})
        self._seconds = seconds

    async def send(self, request: Any, **options: Any) -> Any:
        """Send a request and return its whole answer.

        Raises:
            httpx.ReadTimeout: It took longer than ``seconds``.
            UnusableAnswer: It has more than `MOST_BYTES`, or is packed in another way than by gzip.
        """
        try:
            return await asyncio.wait_for(self._send(request, **options), self._seconds)
        except asyncio.TimeoutError as error:
            raise _httpx.ReadTimeout(f"no whole answer within {self._seconds:g} s", request=request) from error

    async def _send(self, request: Any, **options: Any) -> Any:
        answer = await super().send(request, **{**options, "stream": True})
        try:
            encoding = answer.headers.get("content-encoding", "identity").lower()
            if encoding not in _ENCODINGS:
                raise UnusableAnswer(f"an answer packed by {encoding[:20]!r}")
            content = bytearray()
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > MOST_BYTES:
                    raise UnusableAnswer(f"an answer of more than {MOST_BYTES >> 20} MiB")
        finally:
            await answer.aclose()
        kept = [(k, v) for k, v in answer.headers.multi_items() if not k.lower().startswith(("content-", "transfer-"))]
        kept.append(("content-type", answer.headers.get("content-type", "")))
        return _httpx.Response(answer.status_code, headers=kept, content=bytes(content), request=request)
