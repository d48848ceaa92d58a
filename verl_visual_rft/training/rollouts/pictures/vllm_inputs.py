# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""vLLM takes pictures that are processed already.

vLLM 0.27 runs the image processor itself on every picture that its cache does not hold, and veRL's rollout workers
have done so before: the trainer needs the result. Handed `ProcessedPicture` objects in place of pictures, vLLM goes its
usual way (cache, placeholders, precision of the model) with their tensors. Its own ways around the processor take no
pixel values (``multi_modal_data`` of tensors: embeddings alone) and leave its cache out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verl_visual_rft.training.rollouts.pictures.processed import ProcessedPicture, tensors_of


def take_processed_pictures() -> None:
    """Let vLLM's input processing, in this process, take `ProcessedPicture` objects as pictures."""
    from transformers.feature_extraction_utils import BatchFeature
    from vllm.config import ModelConfig
    from vllm.multimodal.hasher import MultiModalHasher
    from vllm.multimodal.processing.context import InputProcessingContext

    serialize = MultiModalHasher.serialize_item
    call = InputProcessingContext.call_hf_processor

    def serialize_item(obj: object) -> Iterable[bytes | memoryview]:
        items: Iterable[bytes | memoryview] = serialize(obj.key.encode() if isinstance(obj, ProcessedPicture) else obj)
        return items

    def call_hf_processor(
        self: Any, hf_processor: Any, data: Mapping[str, Any], kwargs: Mapping[str, Any] = {}, **tries: Any
    ) -> Any:
        pictures = data.get("images")
        if not isinstance(pictures, list) or not any(isinstance(picture, ProcessedPicture) for picture in pictures):
            return call(self, hf_processor, data, kwargs, **tries)
        others = {name: value for name, value in data.items() if name != "images"}
        output = call(self, hf_processor, others, kwargs, **tries) if others else BatchFeature()
        output.update(self._postprocess_output(tensors_of([picture.copy() for picture in pictures])))
        return output

    setattr(MultiModalHasher, "serialize_item", staticmethod(serialize_item))  # noqa: B010
    setattr(InputProcessingContext, "call_hf_processor", call_hf_processor)  # noqa: B010
    if hasattr(ModelConfig, "_resolve_mm_device_do_normalize"):  # vLLM 0.31
        setattr(ModelConfig, "_resolve_mm_device_do_normalize", _normalized_before)  # noqa: B010


def _normalized_before(self: Any, mm_device_do_normalize: bool | None) -> bool:
    """Answer that the model is not to normalise pixels: it would do so again with those of processed pictures."""
    return False
