# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the image processor makes of a picture, and sharing it among the prompts in flight in a process.

No torch at import: vLLM's server, which is handed the results (`vllm_inputs`), loads this too.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, eq=False)
class ProcessedPicture:
    """What the image processor of a Qwen-VL model makes of one picture.

    Attributes:
        key: Of what it was made of: `picture_key` of the picture, and the arguments of the processor.
        pixel_values: Normalised patches, ``(patches, channels * frames * height * width)``.
        grid: Patches over time, height and width.
    """

    key: str
    pixel_values: np.ndarray[Any, Any]
    grid: np.ndarray[Any, Any]

    def copy(self) -> ProcessedPicture:
        """Return a copy that can be written to: what Ray delivers cannot."""
        return ProcessedPicture(self.key, self.pixel_values.copy(), self.grid.copy())


def picture_key(image: Image.Image) -> str:
    """Return a name of what a picture shows: the same pixels, the same key.

    Example:
        >>> from PIL import Image
        >>> picture_key(Image.new("RGB", (2, 1))) == picture_key(Image.new("RGB", (2, 1)))
        True
        >>> picture_key(Image.new("RGB", (2, 1))) == picture_key(Image.new("RGB", (1, 2)))
        False
    """
    digest = hashlib.blake2b(f"{image.mode} {image.size}".encode(), digest_size=16)
    digest.update(image.tobytes())
    return digest.hexdigest()


def tensors_of(pictures: Sequence[ProcessedPicture]) -> dict[str, Any]:
    """Return pictures as an image processor of transformers does: ``pixel_values`` and ``image_grid_thw``."""
    import torch

    pixels = [torch.from_numpy(picture.pixel_values) for picture in pictures]
    grids = torch.stack([torch.from_numpy(picture.grid) for picture in pictures])
    return {"pixel_values": pixels[0] if len(pixels) == 1 else torch.cat(pixels), "image_grid_thw": grids}


class SharedPictures:
    """Processed pictures of the prompts in flight, each computed by the first thread that asks for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prompts: dict[str, set[str]] = {}  # by the picture that they are about
        self._processed: dict[str, dict[str, Future[ProcessedPicture]]] = {}  # by picture, by the processor's arguments

    def use(self, prompt: str, images: Iterable[Image.Image]) -> list[str]:
        """Keep the results for these pictures until the prompt is released; return their keys."""
        keys = [picture_key(image) for image in images]
        with self._lock:
            for key in keys:
                self._prompts.setdefault(key, set()).add(prompt)
        return keys

    def release(self, prompt: str) -> None:
        """Forget pictures that only this prompt is about."""
        with self._lock:
            for key, prompts in list(self._prompts.items()):
                prompts.discard(prompt)
                if not prompts:
                    del self._prompts[key]
                    self._processed.pop(key, None)

    def find(self, keys: Sequence[str], tensors: Mapping[str, Any]) -> list[ProcessedPicture]:
        """Return the pictures of ``keys``, as they are in ``tensors``, which the image processor returned for them."""
        grids = tensors["image_grid_thw"]
        pixels = tensors["pixel_values"].split(grids.prod(-1).tolist())
        found = []
        for key, mine in zip(keys, pixels, strict=True):
            made = [future.result() for future in self._processed[key].values()]
            found.append(next(one for one in made if len(made) == 1 or np.array_equal(one.pixel_values, mine.numpy())))
        return found

    def __len__(self) -> int:
        return sum(map(len, self._processed.values()))

    def share(self, image_processor: Any) -> None:
        """Let an image processor of transformers compute only what is not here.

        Concerns calls for PyTorch tensors of pictures that are in use; others go through.
        """
        preprocess = image_processor.preprocess

        def preprocess_once(images: Any, *args: Any, **kwargs: Any) -> Any:
            from transformers.image_processing_base import BatchFeature
            from transformers.image_utils import make_flat_list_of_images

            flat = make_flat_list_of_images(images)
            keys = [picture_key(image) for image in flat]
            if kwargs.get("return_tensors") != "pt" or not all(key in self._prompts for key in keys):
                return preprocess(images, *args, **kwargs)
            said = hashlib.blake2b(repr((args, sorted(kwargs.items()))).encode(), digest_size=8).hexdigest()

            def process(key: str, image: Image.Image) -> ProcessedPicture:
                output = preprocess([image], *args, **kwargs)
                pixels, grid = output["pixel_values"].numpy(), output["image_grid_thw"][0].numpy()
                return ProcessedPicture(f"{key}-{said}", pixels, grid)

            pictures = [self._once(key, said, image, process) for key, image in zip(keys, flat, strict=True)]
            return BatchFeature(tensors_of(pictures))

        image_processor.preprocess = preprocess_once

    def _once(
        self, key: str, said: str, image: Image.Image, process: Callable[[str, Image.Image], ProcessedPicture]
    ) -> ProcessedPicture:
        with self._lock:
            made = self._processed.setdefault(key, {})
            first = said not in made
            future = made.setdefault(said, Future())
        if first:
            try:
                future.set_result(process(key, image))
            except BaseException as error:
                future.set_exception(error)
        return future.result()
