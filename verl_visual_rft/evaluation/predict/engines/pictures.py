# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of a row as the model sees it: decoded, and resized as veRL does for training rollouts."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image

from verl_visual_rft.coordinates import FAMILIES, smart_resize
from verl_visual_rft.datasets.stored_rows import picture_bytes, pixel_limits
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict.engines.engine import Row, where
from verl_visual_rft.image_files import open_picture


def load_image(row: Row) -> Image.Image:
    """Decode the single picture of a row and resize it inside the row's pixel budget.

    The pixels are those of ``verl.utils.dataset.vision_utils.process_image``, so a model is judged on what it was
    trained on; a server is sent the resized picture, because it knows no budget of ours.

    Raises:
        UserError: The row has not exactly one picture, or it cannot be decoded or resized.
    """
    try:
        pictures = picture_bytes(row)
        if len(pictures) != 1:
            raise UserError(f"{len(pictures)} pictures, one is expected")
        family = row["extra_info"].get("model_family") or "qwen2-vl"
        if family not in FAMILIES:
            raise UserError(f"of the unknown model family {family!r}")
        limits = pixel_limits(row["images"][0])
        if limits is None:
            raise UserError("'min_pixels' and 'max_pixels' are not two ascending pixel counts")
        return _resized(pictures[0], FAMILIES[family].factor, *limits)
    except Exception as error:  # Pillow's decoders raise many types on damaged files; each becomes the same refusal
        raise UserError(f"{where(row)}: the picture cannot be used ({error}); prepare the data again") from error


@lru_cache(maxsize=2)  # the questions about one picture follow one another
def _resized(data: bytes, factor: int, min_pixels: int, max_pixels: int) -> Image.Image:
    with open_picture(data) as opened:
        image = _rgb(opened)
    return image.resize(smart_resize(image.size, factor, min_pixels, max_pixels))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, mask=image.getchannel("A"))
    return white
