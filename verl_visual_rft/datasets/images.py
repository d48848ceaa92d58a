# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Image files: is each one there, whole, and such that the model sees what the annotations describe."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError
from rich.console import Console
from rich.progress import track

from verl_visual_rft.datasets.coco_layout import CocoImage
from verl_visual_rft.errors import UserError

READABLE_FORMATS = ("JPEG", "PNG", "WEBP")
READABLE_MODES = ("RGB", "L")
#: Qwen2-VL's resizing (``smart_resize``) refuses images that are longer than this many times their short side.
MAX_ASPECT_RATIO = 200
_SHOWN_PROBLEMS = 10


@dataclass(frozen=True)
class CheckedImage:
    """What is known of an image file after it was decoded once."""

    sha256: str
    bytes: int


def find_missing(folder: Path, images: Collection[CocoImage]) -> frozenset[int]:
    """Return the ids of the images that have no file in ``folder``.

    Raises:
        UserError: The folder is missing, or none of the images is in it.
    """
    if not folder.is_dir():
        raise UserError(f"the image folder {folder} does not exist")
    missing = frozenset(image.id for image in images if not (folder / image.file_name).is_file())
    if len(missing) == len(images):
        raise UserError(f"the image folder {folder} holds none of the {len(images)} annotated images")
    return missing


def check_images(folder: Path, images: Sequence[CocoImage], label: str) -> Mapping[int, CheckedImage]:
    """Decode every image once and hash it.

    Args:
        folder: Folder that the file names are relative to.
        images: The images to check.
        label: Words beside the progress bar.

    Returns:
        By image id, the hash and length of each file.

    Raises:
        UserError: At least one image is missing, damaged, of another size than annotated, or of a kind that the model
            would not see as annotated; the message lists file, image id and reason.
    """
    checked: dict[int, CheckedImage] = {}
    problems: list[str] = []
    with ThreadPoolExecutor() as pool:  # Pillow decodes outside the interpreter lock
        outcomes = pool.map(lambda image: _check(folder / image.file_name, image), images)
        console = Console(stderr=True)
        hidden = not console.is_terminal
        bar = track(outcomes, label, total=len(images), console=console, transient=True, disable=hidden)
        for image, outcome in zip(images, bar, strict=True):
            if isinstance(outcome, CheckedImage):
                checked[image.id] = outcome
            else:
                problems.append(f"  {folder / image.file_name} (image id {image.id}): {outcome}")
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        raise UserError(
            f"{len(problems)} of {len(images)} images cannot be used:\n"
            + "\n".join(problems[:_SHOWN_PROBLEMS])
            + (f"\n  ... and {more} more" if more > 0 else "")
            + "\nReplace these files or take their entries out of the annotation file."
        )
    return checked


def describe_problem(data: bytes, annotated: CocoImage) -> str | None:
    """Say why these bytes cannot stand for the annotated image, or return None when they can."""
    if not data:
        return "the file is empty"
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
            animated = getattr(image, "is_animated", False)
    except UnidentifiedImageError:
        return "not an image"
    except Exception as error:  # Pillow's decoders raise many types on damaged files; each becomes the same refusal
        return f"damaged: {error}"
    if image.format not in READABLE_FORMATS:
        return f"format {image.format}; convert it to JPEG or PNG"
    if animated:
        return "animated; save one frame of it as JPEG or PNG"
    if image.mode not in READABLE_MODES:
        return f"colour mode {image.mode}; convert it to an RGB JPEG or PNG"
    if orientation != 1:
        return f"EXIF orientation {orientation} would move its boxes; save it upright, without the tag, and check them"
    if image.size != annotated.size:
        return f"{image.width}x{image.height} pixels, but {annotated.width}x{annotated.height} in the annotation file"
    if max(image.size) > MAX_ASPECT_RATIO * min(image.size):
        return f"{image.width}x{image.height} pixels is longer than {MAX_ASPECT_RATIO} times its short side"
    return None


def _check(path: Path, annotated: CocoImage) -> CheckedImage | str:
    try:
        data = path.read_bytes()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return describe_problem(data, annotated) or CheckedImage(hashlib.sha256(data).hexdigest(), len(data))
