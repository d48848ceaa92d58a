# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures: bytes as they are, or converted where a model's reader would fail or see something else.

=====================  =================================================================================
what the file is       what is stored
=====================  =================================================================================
JPEG, PNG, WEBP        its bytes
other format           its first frame (`image_files.FORMATS`; animated WEBP and PNG)
other colour mode      RGB; transparency over white, as ``qwen_vl_utils`` shows it. Published rows
                       (`Picture.as_published`) keep theirs
EXIF orientation       the picture upright, without the tag
damaged tail           what can be decoded, when no more than a tenth of its rows is missing
bottom to be cut off   the rest
=====================  =================================================================================

What is converted from a JPEG is a JPEG again (quality 95, full colour resolution), from anything else a PNG: what was
lossless stays so.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context

from PIL import ExifTags, Image, ImageChops, ImageFile, ImageOps

from verl_visual_rft.coordinates import EXIF_TURNS, Placement
from verl_visual_rft.datasets.skips import Skip
from verl_visual_rft.errors import UserError
from verl_visual_rft.image_files import NotAPicture, TooManyPixels, open_picture
from verl_visual_rft.tasks.question import Picture

#: MPO is what telephones write: a JPEG with further pictures behind it, of which every reader shows the first.
_JPEG_FORMATS = ("JPEG", "MPO")
_KEPT_FORMATS = (*_JPEG_FORMATS, "PNG", "WEBP")
_KEPT_MODES = ("RGB", "L")
_CONVERTED_MODES = ("1", "P", "PA", "LA", "La", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
_MOST_MISSING = 0.1  # of the rows of a damaged picture
_BATCH = 4  # pictures a task of a worker: enough to hide the task's cost, few enough for camera originals of 10 MB
_AHEAD = 2  # tasks in flight for each worker


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture as it goes into the parquet."""

    data: bytes  #: The encoded picture.
    placement: Placement  #: Its size, and how boxes come to lie in it.
    conversions: tuple[str, ...]  #: What was changed, by rule; empty when ``data`` is the source's bytes.
    source_bytes: int  #: Length of the source.
    source_sha256: str  #: Hash of the source, as hexadecimal text.


def load_picture(picture: Picture) -> StoredPicture | Skip:
    """Read a picture, make sure that it can be decoded to its end, and convert it where the table above says so.

    Boxes are turned with the picture when the annotated size is that of the picture before turning. Where the size
    does not tell (a square, a half turn, a mirror image, no annotated size), they are taken to lie on the upright
    picture, as annotation tools show it, and the conversion is listed under a rule of its own.

    Returns:
        The picture, or why it is left out: no file, no picture, damaged, or not of the annotated size.
    """
    try:
        data = picture.read()
    except FileNotFoundError:
        return Skip("no file", picture.name)
    except OSError as error:
        return Skip("file cannot be read", f"{picture.name}: {error.strerror}")
    try:
        return _stored(picture, data)
    except _Unusable as error:
        return Skip(error.rule, f"{picture.name}: {error.detail}")
    except NotAPicture:
        return Skip("not a picture", picture.name)
    except TooManyPixels as error:
        return Skip("too many pixels", f"{picture.name}: {error}")
    except Exception as error:  # Pillow's decoders raise many types on damaged files; each becomes the same skip
        return Skip("damaged picture", f"{picture.name}: {error}")


def load_pictures(pictures: Iterable[Picture], workers: int) -> Iterator[StoredPicture | Skip]:
    """Yield what `load_picture` gives for each picture, in their order.

    At most ``8 * workers`` pictures are held beside the one that is yielded. With one worker they are read here, in
    this process.

    Raises:
        UserError: A worker process was killed.
    """
    if workers == 1:
        yield from map(load_picture, pictures)
        return
    # Processes that are forked while other threads hold locks can hang; spawned ones cannot.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_parent)
    try:
        pending: deque[Future[list[StoredPicture | Skip]]] = deque()
        remaining = iter(pictures)
        while batch := list(itertools.islice(remaining, _BATCH)):
            pending.append(pool.submit(_load_batch, batch))
            if len(pending) == _AHEAD * workers:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    except BrokenProcessPool as error:
        raise UserError(
            "a process that reads pictures was killed, by lack of memory perhaps; use fewer --workers"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _load_batch(pictures: list[Picture]) -> list[StoredPicture | Skip]:
    return [load_picture(picture) for picture in pictures]


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Unusable(Exception):
    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule, self.detail = rule, detail


def _stored(picture: Picture, data: bytes) -> StoredPicture:
    with open_picture(data) as header:
        placement, conversions = _place(picture, header)
        conversions = [*_unlike_kinds(header, picture.as_published), *conversions]
        if not conversions and not _is_whole(header):
            conversions.append("damaged tail")
    if conversions:
        stored, conversions = _convert(data, picture.crop_bottom, conversions)
    else:
        stored = data
    return StoredPicture(stored, placement, tuple(conversions), len(data), hashlib.sha256(data).hexdigest())


def _unlike_kinds(image: Image.Image, as_published: bool) -> list[str]:
    """Return the rules by which a picture's format and colours are converted: readers do not show them alike."""
    rules = []
    if image.format not in _KEPT_FORMATS:
        rules.append(f"format {image.format}")
    elif getattr(image, "is_animated", False) and image.format not in _JPEG_FORMATS:
        rules.append(f"animated {image.format}")
    if image.mode in _CONVERTED_MODES:
        if not as_published:
            rules.append(f"colour mode {image.mode}")
    elif image.mode not in _KEPT_MODES:
        raise _Unusable("unknown colour mode", str(image.mode))
    return rules


def _place(picture: Picture, image: Image.Image) -> tuple[Placement, list[str]]:
    """Return the placement of a picture, and the rules by which it is turned or cut."""
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    if orientation not in EXIF_TURNS:
        orientation = 1
    raw = image.size
    upright = (raw[1], raw[0]) if orientation >= 5 else raw
    if picture.size not in (None, raw, upright):
        annotated = "x".join(map(str, picture.size or ()))
        raise _Unusable("size differs from the annotation", f"{raw[0]}x{raw[1]} pixels, annotated {annotated}")
    rules = []
    turned = 1
    if orientation != 1:
        if picture.size is None or raw == upright:
            rules.append("EXIF orientation, boxes taken as upright")
        else:
            rules.append("EXIF orientation")
            turned = orientation if picture.size == raw else 1
    if picture.crop_bottom:
        if picture.crop_bottom >= upright[1]:
            raise _Unusable("nothing left above the bottom", f"{upright[1]} rows, {picture.crop_bottom} to cut off")
        rules.append("bottom cut off")
    size = (upright[0], upright[1] - picture.crop_bottom)
    return Placement(size, raw if turned != 1 else upright, turned), rules


def _is_whole(image: Image.Image) -> bool:
    """Decode a picture to its end; a JPEG at an eighth of its size, which reads every byte but is faster."""
    image.draft("L", (1, 1))
    try:
        image.load()
    except (OSError, SyntaxError):
        return False
    return True


def _convert(data: bytes, crop_bottom: int, rules: list[str]) -> tuple[bytes, list[str]]:
    image, damaged = _decode(data)
    if damaged and "damaged tail" not in rules:
        rules = [*rules, "damaged tail"]
    file_format = "JPEG" if image.format in _JPEG_FORMATS else "PNG"
    image = _to_rgb(ImageOps.exif_transpose(image))
    if crop_bottom:
        image = image.crop((0, 0, image.width, image.height - crop_bottom))
    image.info = {}  # the tags of the source are no longer true
    buffer = io.BytesIO()
    image.save(buffer, file_format, **({"quality": 95, "subsampling": 0} if file_format == "JPEG" else {}))
    return buffer.getvalue(), rules


def _decode(data: bytes) -> tuple[Image.Image, bool]:
    """Return the first frame and whether its tail is damaged."""
    image = open_picture(data)
    try:
        image.load()
        return image, False
    except (OSError, SyntaxError) as error:
        image = open_picture(data)
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            image.load()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        missing = _missing_rows(image)
        if missing > _MOST_MISSING:
            raise _Unusable("damaged picture", f"{error}; about {missing:.0%} of its rows are missing") from error
        return image, True


def _missing_rows(image: Image.Image) -> float:
    """Return the share of rows at the bottom that have one colour, as decoders leave what they cannot decode."""
    shown = image.convert("RGB")
    last = shown.getpixel((shown.width - 1, shown.height - 1))
    filled = ImageChops.difference(shown, Image.new("RGB", shown.size, last)).getbbox()
    return 1.0 if filled is None else 1 - filled[3] / shown.height


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _KEPT_MODES:
        return image
    if image.mode.upper() in ("PA", "LA", "RGBA") or "transparency" in image.info:
        shown = image.convert("RGBA")
        white = Image.new("RGB", shown.size, "white")
        white.paste(shown, mask=shown.getchannel("A"))
        return white
    return image.convert("RGB")
