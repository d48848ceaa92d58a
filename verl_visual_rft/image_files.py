# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The one way in which pictures are opened, whatever their file's name promises.

Left to itself, Pillow decides by the content, and one of its formats, PostScript, is drawn by running Ghostscript: an
EPS file named ``1.jpg`` is a program that anyone's data set could hand us.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Final

from PIL import ExifTags, Image, UnidentifiedImageError

from verl_visual_rft.errors import UserError
from verl_visual_rft.input_files import require_regular

Image.init()  # all of Pillow's formats, of which a build may lack some
#: What is opened, as Pillow names it: formats that it decodes itself. JPEG includes MPO, what telephones write.
FORMATS: Final = tuple(
    name for name in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF") if name in Image.OPEN
)
#: Pixels of the largest picture that is opened (half a gigabyte once decoded); Pillow's own limit.
MOST_PIXELS: Final = 178_956_970
#: Bytes of the largest picture file that is opened.
MOST_BYTES: Final = 1 << 30

# From half its limit on Pillow would warn of an attack. Ours has a message of its own.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class NotAPicture(UserError):
    """The bytes are in none of `FORMATS`."""


class TooManyPixels(UserError):
    """The picture has more than `MOST_PIXELS`."""


def upright_size(path: Path) -> tuple[int, int] | None:
    """Return the width and height of a picture as a viewer shows it; None for what is missing or no picture."""
    sizes = raw_and_upright_size(path)
    return None if sizes is None else sizes[1]


def raw_and_upright_size(path: Path) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the width and height of a picture as stored and as a viewer shows it, EXIF orientation applied.

    None for what is missing or no picture: it is left out and listed where its pixels are read.
    """
    try:
        with open_picture(path) as image:
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
            return image.size, (image.height, image.width) if turned else image.size
    except Exception:  # Pillow's header readers raise many types on bytes that are no picture
        return None


def open_picture(source: bytes | Path) -> Image.Image:
    """Open a picture; its header is read, and its pixels when they are asked for.

    Args:
        source: The encoded picture, or its file.

    Returns:
        Pillow's image; use it as a context manager where ``source`` is a file.

    Raises:
        NotAPicture: It is in none of `FORMATS`.
        TooManyPixels: It has more than `MOST_PIXELS`.
        OSError: The file cannot be read; or the header is damaged, for which Pillow raises other types too.
    """
    if isinstance(source, Path):
        require_regular(source, MOST_BYTES)
    try:
        image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
    except UnidentifiedImageError:
        raise NotAPicture(f"is no picture in a known format ({', '.join(FORMATS)})") from None
    except Image.DecompressionBombError:
        raise TooManyPixels(
            f"has more than {MOST_PIXELS / 1e6:.0f} million pixels, the most that are decoded; "
            "make it smaller: the model sees a few hundred thousand"
        ) from None
    return image
