# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of SAM's masks, with a tiny SAM of random weights: the real model class and processor."""

from __future__ import annotations

import json
import subprocess
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import visual_rft
from PIL import Image

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.evaluate import evaluate
from verl_visual_rft.evaluation.masks import decode_mask, read_predicted_masks
from verl_visual_rft.evaluation.predict.journal import Journal
from verl_visual_rft.evaluation.predictions import Prediction
from verl_visual_rft.evaluation.sam import Sam, segment_predictions

SIZE = (60, 40)
ANSWERS = [
    "<think> a </think> <answer>(100,100),(600,900)</answer>",
    "<think> b </think> <answer>no box</answer>",
    "<think> c </think> <answer>(0,0),(1000,1000)</answer>",
]


@pytest.fixture(scope="module")
def tiny_sam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SAM of 64-pixel pictures with random weights."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    vision = {
        "hidden_size": 16, "output_channels": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64,
        "patch_size": 8, "window_size": 4, "global_attn_indexes": [1], "mlp_dim": 32, "num_pos_feats": 4,
    }  # fmt: skip
    prompt = {"hidden_size": 8, "image_size": 64, "patch_size": 8, "mask_input_channels": 4}
    decoder = {
        "hidden_size": 8, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "attention_downsample_rate": 2, "iou_head_hidden_dim": 8,
    }  # fmt: skip
    config = transformers.SamConfig(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder)
    folder = tmp_path_factory.mktemp("sam")
    transformers.SamModel(config).save_pretrained(folder)
    processor = transformers.SamImageProcessor(
        size={"longest_edge": 64}, pad_size={"height": 64, "width": 64}, mask_size={"longest_edge": 32},
        mask_pad_size={"height": 32, "width": 32},
    )  # fmt: skip
    transformers.SamProcessor(processor).save_pretrained(folder)
    return folder


def picture(index: int) -> Image.Image:
    pixels = np.random.default_rng(index).integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """A prepared folder of three pictures with masks, and the answers in predictions.jsonl beside it."""
    rows, lines = [], []
    (tmp_path / "masks/val").mkdir(parents=True)
    for index, response in enumerate(ANSWERS):
        stored = BytesIO()
        picture(index).save(stored, format="PNG")
        truth = json.dumps({"box": [100, 100, 600, 900]})
        row = {"index": index, "image_id": f"p{index}", "category": "the lamp", "width": SIZE[0], "height": SIZE[1]}
        rows.append(
            {
                "images": [{"bytes": stored.getvalue()}],
                "ability": "grounding",
                "reward_model": {"style": "rule", "ground_truth": truth},
                "extra_info": row,
            }
        )
        rest = {"category_id": None, "response": response, "response_tokens": 9, "finish_reason": "stop"}
        lines.append(Prediction(task="grounding", ground_truth=truth, **row, **rest).to_line())
        mask = np.zeros(SIZE[::-1], dtype=np.uint8)
        mask[4:36, 6:36] = 1
        Image.fromarray(mask).save(tmp_path / f"masks/val/p{index}.png")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "val.parquet")
    (tmp_path / "manifest.json").write_text('{"dataset": "lisa"}')
    (tmp_path / "predictions.jsonl").write_text("".join(lines))
    return tmp_path


def test_the_box_reaches_the_model_in_its_own_pixels_and_the_mask_has_those_of_the_picture(tiny_sam):
    sam, prompts = Sam(str(tiny_sam), "cpu"), []
    sam._model.register_forward_pre_hook(lambda _, __, given: prompts.append(given), with_kwargs=True)
    mask = sam.segment(picture(0), (3.0, 6.0, 30.0, 30.0))
    assert (mask.shape, mask.dtype) == ((40, 60), bool)
    # 60 x 40 pixels become 64 x 43, and the padding to 64 x 64 is cut off again.
    assert prompts[0]["input_boxes"].tolist() == [[pytest.approx([3.0 * 64 / 60, 6.0 * 43 / 40, 32.0, 32.25])]]
    assert prompts[0]["multimask_output"] is False


def test_a_second_segment_into_the_same_masks_is_refused_in_one_line(asked):
    arguments = (asked / "predictions.jsonl", asked, asked / "masks.jsonl", str(asked / "no_sam"), "cpu")
    with pytest.raises(UserError, match="no SAM checkpoint"):
        segment_predictions(*arguments)
    (partial,) = asked.glob("masks.jsonl.*.partial")
    with Journal(partial):  # as the first holds it
        before = sorted(asked.rglob("*"))
        with pytest.raises(UserError, match=r"masks\.jsonl.* is being written by another process; wait") as caught:
            segment_predictions(*arguments)
        assert "\n" not in str(caught.value)
        assert sorted(asked.rglob("*")) == before


def test_segment_then_eval(asked, tiny_sam):
    out = asked / "masks.jsonl"
    result = segment_predictions(asked / "predictions.jsonl", asked, out, str(tiny_sam), "cpu")
    assert (result.n, result.resumed, result.without_box) == (3, 0, 1)
    masks = read_predicted_masks(out)
    expected = Sam(str(tiny_sam), "cpu").segment(picture(0), (6.0, 4.0, 36.0, 36.0))
    assert (masks[0].box, masks[1].box, masks[1].segmentation) == ((6.0, 4.0, 36.0, 36.0), None, None)
    assert (decode_mask(masks[0].segmentation) == expected).all()
    meta = json.loads((asked / "masks.meta.json").read_text())
    assert (meta["model"], meta["n"], meta["without_box"]) == (str(tiny_sam), 3, 1)

    metrics = evaluate(asked / "predictions.jsonl", asked, "paper", masks=out).result
    truth = np.zeros(SIZE[::-1], dtype=bool)
    truth[4:36, 6:36] = True
    drawn = [decode_mask(masks[index].segmentation) for index in (0, 2)]
    shares = [(mask & truth).sum() / (mask | truth).sum() for mask in drawn]
    assert metrics.giou.value == pytest.approx(100 * sum(shares) / 3)
    assert (metrics.giou.n, metrics.answers.failed) == (3, 1)


@pytest.mark.long
def test_the_commands_from_answers_to_giou(asked, tiny_sam):
    segment = ["visual-rft", "segment", "predictions.jsonl", "--data", ".", "--out", "masks.jsonl", "--sam", tiny_sam]
    segmented = subprocess.run(segment, cwd=asked, capture_output=True, text=True, check=False)
    assert segmented.returncode == 0, segmented.stderr
    files = ("--data", ".", "--masks", "masks.jsonl", "--out", "metrics.json")
    evaluated = visual_rft("eval", "predictions.jsonl", *files, cwd=asked)
    assert evaluated.returncode == 0, evaluated.stderr
    metrics, masks = json.loads((asked / "metrics.json").read_text()), read_predicted_masks(asked / "masks.jsonl")
    truth = np.zeros(SIZE[::-1], dtype=bool)
    truth[4:36, 6:36] = True
    drawn = [decode_mask(masks[index].segmentation) for index in (0, 2)]
    both, either = ([op(mask, truth).sum() for mask in drawn] for op in (np.logical_and, np.logical_or))
    giou = 100 * sum(a / b for a, b in zip(both, either, strict=True)) / 3
    ciou = 100 * sum(both) / (sum(either) + truth.sum())  # the answer without a box misses the whole target
    assert (metrics["giou"]["value"], metrics["ciou"]["value"]) == (pytest.approx(giou), pytest.approx(ciou))
    assert metrics["giou"]["n"] == 3
    assert f"{giou:.2f}" in evaluated.stdout and f"{ciou:.2f}" in evaluated.stdout


@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_a_killed_run_goes_on_and_gives_the_same_bytes(asked, tiny_sam, left):
    out, arguments = asked / "masks.jsonl", (asked / "predictions.jsonl", asked, asked / "masks.jsonl", str(tiny_sam))
    segment_predictions(*arguments)
    whole = out.read_bytes()

    class Killed(Exception):
        pass

    original, calls = Sam.segment, []

    def dies(self: Sam, *prompt: object) -> object:
        calls.append(prompt)
        if len(calls) > left:
            raise Killed
        return original(self, *prompt)

    out.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sam, "segment", dies)
        try:
            segment_predictions(*arguments)
        except Killed:
            assert not out.exists(), "nothing half-written under the final name"
            partial = next(asked.glob("masks.jsonl.*.partial"))
            with partial.open("a") as file:
                file.write('{"index": 2, "box": [0.0')
    segment_predictions(*arguments)
    assert out.read_bytes() == whole
    assert not list(asked.glob("*.partial"))


def test_no_checkpoint_and_no_grounding_are_said(asked, tmp_path):
    with pytest.raises(UserError, match=r"no_sam: no SAM checkpoint"):
        segment_predictions(asked / "predictions.jsonl", asked, asked / "m.jsonl", str(tmp_path / "no_sam"))
    lines = (asked / "predictions.jsonl").read_text().replace('"grounding"', '"detection"')
    (asked / "other.jsonl").write_text(lines.replace('"category_id": null', '"category_id": 1'))
    with pytest.raises(UserError, match="no answer to a grounding question"):
        segment_predictions(asked / "other.jsonl", asked, asked / "m.jsonl")
