# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Sharing what the image processor makes of pictures, by prompts and threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import AutoImageProcessor  # noqa: E402

from verl_visual_rft.miniature.pretraining import TINY_MODEL  # noqa: E402
from verl_visual_rft.training.rollouts.pictures.processed import SharedPictures  # noqa: E402


@pytest.fixture
def image_processor():
    return AutoImageProcessor.from_pretrained(TINY_MODEL)


def test_a_shared_result_is_the_processors_own_to_the_bit(image_processor, pictures):
    expected = image_processor(images=pictures, return_tensors="pt")
    shared = SharedPictures()
    shared.share(image_processor)
    shared.use("p", pictures)
    found = image_processor(images=pictures, return_tensors="pt")
    assert found.keys() == expected.keys()
    for name in expected:
        assert found[name].dtype == expected[name].dtype
        assert torch.equal(found[name], expected[name])


def test_a_picture_is_kept_until_its_last_prompt_is_released(image_processor, pictures, processor_calls):
    shared = SharedPictures()
    shared.share(image_processor)
    for prompt in ("p", "q"):
        shared.use(prompt, pictures[:1])
        image_processor(images=pictures[:1], return_tensors="pt")
        image_processor(images=[pictures[0].copy()], return_tensors="pt")
    assert processor_calls == [1]
    shared.release("p")
    assert len(shared) == 1
    shared.release("q")
    assert len(shared) == 0


def test_a_picture_is_kept_for_each_set_of_arguments(image_processor, pictures, processor_calls):
    shared = SharedPictures()
    shared.share(image_processor)
    keys = shared.use("p", pictures[:1])
    size = {"shortest_edge": 56 * 56, "longest_edge": 56 * 56}
    for _ in range(2):
        usual = image_processor(images=pictures[:1], return_tensors="pt")
        small = image_processor(images=pictures[:1], return_tensors="pt", size=size)
        assert len(small["pixel_values"]) < len(usual["pixel_values"])
    assert processor_calls == [1, 1]
    (found,), (found_small,) = shared.find(keys, usual), shared.find(keys, small)
    assert torch.equal(torch.from_numpy(found.pixel_values), usual["pixel_values"])
    assert torch.equal(torch.from_numpy(found_small.pixel_values), small["pixel_values"])
    assert found.key != found_small.key  # vLLM's cache and the transfer queue know them by it
    shared.release("p")
    assert len(shared) == 0


def test_what_nobody_uses_or_asks_for_in_another_form_is_not_kept(image_processor, pictures, processor_calls):
    shared = SharedPictures()
    shared.share(image_processor)
    image_processor(images=pictures, return_tensors="pt")
    shared.use("p", pictures)
    image_processor(images=pictures, return_tensors="np")
    assert processor_calls == [2, 2]
    assert len(shared) == 0


def test_threads_that_ask_at_once_wait_for_one_result(pictures):
    calls, start = [], threading.Barrier(4)

    class Processor:
        def preprocess(self, images, **kwargs):
            calls.append(len(images))
            return {"pixel_values": torch.ones(2, 3), "image_grid_thw": torch.tensor([[1, 1, 2]])}

    shared, processor = SharedPictures(), Processor()
    shared.share(processor)
    shared.use("p", pictures[:1])

    def ask():
        start.wait()
        return processor.preprocess(pictures[:1], return_tensors="pt")

    with ThreadPoolExecutor(4) as threads:
        results = [threads.submit(ask) for _ in range(4)]
    assert calls == [1]
    assert all(torch.equal(result.result()["pixel_values"], torch.ones(2, 3)) for result in results)


def test_an_error_reaches_everybody_who_waits(pictures):
    class Processor:
        def preprocess(self, images, **kwargs):
            raise ValueError("truncated")

    shared, processor = SharedPictures(), Processor()
    shared.share(processor)
    shared.use("p", pictures[:1])
    for _ in range(2):
        with pytest.raises(ValueError, match="truncated"):
            processor.preprocess(pictures[:1], return_tensors="pt")
