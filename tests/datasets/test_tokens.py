# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Lengths of prompts, against the real processors and against what veRL's agent loop sends."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from verl_visual_rft.coordinates import FAMILIES, smart_resize
from verl_visual_rft.datasets.prepare import PrepareOptions, prepare
from verl_visual_rft.datasets.tokens import TextTokens, image_tokens
from verl_visual_rft.errors import UserError
from verl_visual_rft.tasks.classification.question import ClassificationQuestion, ClassSet
from verl_visual_rft.tasks.detection.question import DetectionQuestion
from verl_visual_rft.tasks.grounding.question import GroundingQuestion
from verl_visual_rft.tasks.question import Picture

TINY_MODEL = Path(__file__).parents[2] / "verl_visual_rft/miniature/tiny_qwen2vl"
# COCO, a camera original, small, tiny, extreme, halves of the factor, and one pixel beside multiples of it.
SIZES = [(640, 480), (2048, 1365), (112, 112), (20, 30), (1, 1), (1900, 10), (42, 70), (48, 80), (57, 55), (447, 673)]
BUDGETS = [(3136, 401408), (784, 12845056), (200704, 200704), (65536, 262144)]
PATCH_SIZES = {"qwen2-vl": 14, "qwen2.5-vl": 14, "qwen3-vl": 16}

sides = st.integers(1, 8000)


@given(size=st.tuples(sides, sides), name=st.sampled_from(sorted(FAMILIES)), budget=st.sampled_from(BUDGETS))
@example(size=(8000, 40), name="qwen2-vl", budget=(784, 784))
def test_resizing_is_that_of_qwen(size, name, budget):
    vision_process = pytest.importorskip("qwen_vl_utils.vision_process")
    factor = FAMILIES[name].factor
    try:
        theirs = vision_process.smart_resize(size[1], size[0], factor, *budget)[::-1]
    except ValueError:
        theirs = None
    if theirs is None or 0 in theirs:
        with pytest.raises(ValueError, match="pixels"):
            smart_resize(size, factor, *budget)
    else:
        assert smart_resize(size, factor, *budget) == theirs


@pytest.fixture(scope="module")
def processors():
    """The image processor of each family, with the pixel limits of the published checkpoints."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    return {
        name: transformers.Qwen2VLImageProcessor(
            patch_size=PATCH_SIZES[name],
            merge_size=2,
            size={"shortest_edge": family.min_pixels, "longest_edge": family.max_pixels},
        )
        for name, family in FAMILIES.items()
    }


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FAMILIES)
def test_visual_tokens_are_those_of_the_real_processor(processors, name, size):
    qwen_vl_utils = pytest.importorskip("qwen_vl_utils")
    picture = Image.new("RGB", size)
    for low, high in BUDGETS:
        shown = {"image": picture, "min_pixels": low, "max_pixels": high}
        resized = qwen_vl_utils.fetch_image(shown, image_patch_size=PATCH_SIZES[name])
        frames, rows, columns = processors[name](images=[resized], return_tensors="pt")["image_grid_thw"][0].tolist()
        assert image_tokens(size, FAMILIES[name], low, high) == frames * rows * columns // 4


def encoded(size):
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, "JPEG")
    return buffer.getvalue()


def questions():
    classes = ClassSet(("rose", "bird of paradise"), "a plant", "the species of the plant")
    listed = []
    for number, size in enumerate([(640, 480), (100, 301), (31, 17)]):
        picture = Picture(str(number), Path("none"), f"{number}.jpg", size, data=encoded(size))
        listed += [
            DetectionQuestion(picture, "traffic light, é", 1, ((1, 1, 9, 9),)),
            ClassificationQuestion(picture, number % 2, classes),
            GroundingQuestion(picture, "what a thirsty person would take\nfirst?", ((0, 0, 5, 5),)),
        ]
    return listed


@pytest.mark.parametrize("think", [True, False])
def test_stored_lengths_are_those_that_the_agent_loop_sends(tmp_path, think):
    pytest.importorskip("verl")
    from omegaconf import OmegaConf
    from verl.utils import hf_processor, hf_tokenizer
    from verl.utils.dataset.rl_dataset import RLHFDataset
    from verl.utils.tokenizer.continuous_token_wiring import create_continuous_token_builder

    prepare(tmp_path, {"train": questions()}, PrepareOptions(think=think, tokenizer=TINY_MODEL), "mixed", [])

    tokenizer, processor = hf_tokenizer(str(TINY_MODEL)), hf_processor(str(TINY_MODEL))
    builder = create_continuous_token_builder(tokenizer, hf_model_type="qwen2_vl", processor=processor)
    config = OmegaConf.create(
        {
            "prompt_key": "prompt",
            "max_prompt_length": 4096,
            "cache_dir": str(tmp_path),
            "filter_overlong_prompts": False,
        }
    )
    dataset = RLHFDataset(str(tmp_path / "train.parquet"), tokenizer, config, processor)
    assert len(dataset) == 9
    for i in range(len(dataset)):
        row = dataset[i]
        images, _, _ = RLHFDataset._process_multi_modal_info(row["raw_prompt"], dataset.image_patch_size, config)
        sent = builder.build_initial_tokens(row["raw_prompt"], images=images)
        assert row["extra_info"]["prompt_tokens"] == len(sent)
        assert row["extra_info"]["image_tokens"] == sent.count(tokenizer.convert_tokens_to_ids("<|image_pad|>"))


def test_longer_prompts_are_left_out_and_listed(tmp_path):
    pytest.importorskip("transformers")
    asked = questions()
    prepare(tmp_path / "all", {"val": asked}, PrepareOptions(tokenizer=TINY_MODEL), "mixed", [])
    lengths = [row["prompt_tokens"] for row in pq.read_table(tmp_path / "all/val.parquet")["extra_info"].to_pylist()]
    limit = sorted(lengths)[5]
    options = PrepareOptions(tokenizer=TINY_MODEL, max_prompt_tokens=limit)
    manifest = prepare(tmp_path / "some", {"val": asked}, options, "mixed", [])
    kept = [row["prompt_tokens"] for row in pq.read_table(tmp_path / "some/val.parquet")["extra_info"].to_pylist()]
    assert kept == [length for length in lengths if length <= limit]
    listed = manifest["skips"][f"prompt longer than {limit} tokens"]
    assert listed["count"] == len(lengths) - len(kept) > 0
    assert f": {max(lengths)} tokens" in " ".join(listed["where"])
    assert manifest["counts"]["val"]["most_prompt_tokens"] == max(kept)


def test_a_limit_without_a_tokenizer_is_refused(tmp_path):
    with pytest.raises(UserError, match="--max-prompt-tokens needs --tokenizer"):
        prepare(tmp_path, {"val": questions()}, PrepareOptions(max_prompt_tokens=10), "mixed", [])


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "is not a folder"),
        ("", "no tokenizer"),
        ("{{ messages }}", "shows no picture"),
    ],
)
def test_a_folder_without_what_is_needed_is_refused(tmp_path, template, message):
    pytest.importorskip("transformers")
    folder = tmp_path / "model"
    if template is not None:
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"model_type": "qwen2_vl"}))
    if template:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / name).write_bytes((TINY_MODEL / name).read_bytes())
        (folder / "chat_template.jinja").write_text(template)
    with pytest.raises(UserError, match=message):
        TextTokens(folder)
