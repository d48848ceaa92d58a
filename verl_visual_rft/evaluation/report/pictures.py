# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures small enough that a page of many can be sent by mail."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO

from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import open_picture

#: Longest side in pixels and WEBP quality, best first.
SIZES = ((640, 80), (560, 70), (448, 65), (384, 55), (320, 45), (256, 40), (192, 30))
_PREFIX = "data:image/webp;base64,"


def data_uris(pictures: Sequence[bytes], budget: int) -> Iterator[str]:
    """Re-encode pictures so that all their data URIs together have about ``budget`` characters or fewer.

    The size is chosen once for all, from a few of them; a picture that is far larger than those is reduced further, so
    that each stays below twice its share. The smallest of `SIZES` is used even when the budget is smaller.

    Args:
        pictures: Encoded pictures, in any format that Pillow reads.
        budget: Characters for all of them.

    Yields:
        A data URI for each picture, in their order.
    """
    if not pictures:
        return
    share = budget // len(pictures)
    probes = pictures[:: max(1, len(pictures) // 8)]
    level = next((at for at in range(len(SIZES)) if _mean_length(probes, at) <= share), len(SIZES) - 1)
    with ThreadPoolExecutor() as threads:
        yield from threads.map(partial(_shrink, level=level, most=2 * share), pictures)


def _mean_length(pictures: Sequence[bytes], level: int) -> float:
    return sum(len(_encode(picture, level)) for picture in pictures) / len(pictures)


def _shrink(picture: bytes, level: int, most: int) -> str:
    text = _encode(picture, level)
    while len(text) > most and level < len(SIZES) - 1:
        level += 1
        text = _encode(picture, level)
    return text


def _encode(picture: bytes, level: int) -> str:
    side, quality = SIZES[level]
    try:
        with open_picture(picture) as opened:
            opened.draft("RGB", (side, side))  # JPEG at an eighth, a quarter or half its size where that is enough
            # The pixels as the model saw them: EXIF orientation is not applied, and the boxes refer to that.
            image = opened.convert("RGB")
    except Exception as error:  # Pillow's decoders raise many types on damaged files; each becomes the same refusal
        raise UserError(f"a picture cannot be shown: {error}; `visual-rft data validate` names its row") from error
    image.thumbnail((side, side))
    small = BytesIO()
    image.save(small, format="WEBP", quality=quality, exif=b"")
    return _PREFIX + b64encode(small.getvalue()).decode()
