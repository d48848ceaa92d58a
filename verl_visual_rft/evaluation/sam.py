# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Masks of answered boxes by SAM (Kirillov et al., 2023, arXiv 2304.02643), as the paper makes them for gIoU.

SAM is prompted with the box alone and gives one mask. The published evaluation rounds the box to whole pixels; here it
stays as it was answered.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from verl_visual_rft.atomic import write_json
from verl_visual_rft.boxes import Box
from verl_visual_rft.datasets.stored_rows import extra, picture_bytes, read_rows
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.answered import answered_parquet
from verl_visual_rft.evaluation.masks import Mask, PredictedMask, encode_mask
from verl_visual_rft.evaluation.predict.journal import Journal
from verl_visual_rft.evaluation.predictions import read_predictions
from verl_visual_rft.evaluation.results import score_answers
from verl_visual_rft.image_files import open_picture
from verl_visual_rft.progress import RowProgress
from verl_visual_rft.tasks.grounding.metrics.measure import answered_pixel_box

#: The paper's: ViT-H.
PAPER_MODEL = "facebook/sam-vit-huge"


@dataclass(frozen=True)
class SegmentResult:
    """The masks file that was written: its lines, those from before an interruption, and answers without a box."""

    out: Path
    n: int
    resumed: int
    without_box: int


class Sam:
    """A loaded SAM, in float32.

    Args:
        model: Folder or name of a checkpoint in Hugging Face format.
        device: "auto" takes a GPU if there is one; or a name that torch knows.

    Raises:
        UserError: torch and transformers are not installed, or there is no such checkpoint.
    """

    def __init__(self, model: str, device: str = "auto") -> None:
        try:
            import torch
            from transformers import SamModel, SamProcessor
            from transformers import __version__ as transformers_version
        except ImportError as error:
            raise UserError(
                f"SAM needs torch and transformers ({error}): install verl-visual-rft[cpu] or verl-visual-rft[gpu]"
            ) from error
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self._processor: Any = SamProcessor.from_pretrained(model)
            self._model: Any = SamModel.from_pretrained(model).to(device).eval()
        except (OSError, ValueError) as error:
            raise UserError(
                f"{model}: no SAM checkpoint ({error}); give a folder or a name as {PAPER_MODEL}"
            ) from error
        self._torch, self._device = torch, device
        self.version: str = transformers_version

    def segment(self, picture: Image.Image, box: Box) -> Mask:
        """Return the mask of what is in a box.

        Args:
            picture: In RGB.
            box: In pixels of the picture.
        """
        inputs = self._processor(picture, input_boxes=[[list(box)]], return_tensors="pt").to(self._device)
        with self._torch.inference_mode():
            outputs = self._model(**inputs, multimask_output=False)
        masks = self._processor.post_process_masks(
            outputs.pred_masks.cpu(), inputs["original_sizes"].cpu(), inputs["reshaped_input_sizes"].cpu()
        )
        mask: Mask = masks[0][0, 0].numpy()
        return mask


def segment_predictions(
    predictions: Path, data: Path, out: Path, model: str = PAPER_MODEL, device: str = "auto"
) -> SegmentResult:
    """Write the mask of every answered box; where an answer has no box, that it has no mask.

    Masks are appended to a partial file; the same call after a kill goes on where it stopped. ``out`` appears only when
    it is complete.

    Args:
        predictions: Answers to grounding questions.
        data: The prepared folder that they answer, for the pictures.
        out: Masks to write (JSON lines, see `PredictedMask`).
        model: SAM in Hugging Face format.
        device: See `Sam`.

    Raises:
        UserError: The predictions hold no grounding or do not answer the data, a picture cannot be read, or see `Sam`.
    """
    answered = [prediction for prediction in read_predictions(predictions) if prediction.task == "grounding"]
    if not answered:
        raise UserError(f"{predictions}: no answer to a grounding question; there is nothing to segment")
    parquet = answered_parquet(data, answered, predictions)
    boxes = {
        item.prediction.index: answered_pixel_box(item)
        for item in score_answers(answered, "grounding", "paper", predictions)
    }
    identity = hashlib.sha256(model.encode() + predictions.read_bytes()).hexdigest()
    partial = out.with_name(f"{out.name}.{identity[:12]}.partial")
    with Journal(partial) as masks:
        resumed, sam = len(masks.records), Sam(model, device)
        _segment_rows(sam, parquet, boxes, masks)
        result = SegmentResult(out, len(boxes), resumed, sum(box is None for box in boxes.values()))
        write_json(
            out.with_suffix(".meta.json"),
            {
                "model": model,
                "transformers": sam.version,
                "predictions": str(predictions),
                "data": str(parquet),
                "n": result.n,
                "without_box": result.without_box,
            },
        )
        os.replace(partial, out)
    return result


def _segment_rows(sam: Sam, parquet: Path, boxes: Mapping[int, Box | None], masks: Journal) -> None:
    pending = boxes.keys() - masks.records.keys()
    with RowProgress("segment", len(pending)) as progress:
        for row in read_rows(parquet, ("ability", "images", "extra_info")):
            if (index := extra(row, "index")) in pending:
                masks.append([asdict(_segment(sam, row, boxes[index], parquet))])
                progress.advance(1)


def _segment(sam: Sam, row: Mapping[str, Any], box: Box | None, parquet: Path) -> PredictedMask:
    index = extra(row, "index")
    if box is None:
        return PredictedMask(index, None, None)
    where, size = f"{parquet}: row {index}", (extra(row, "width"), extra(row, "height"))
    try:
        with open_picture(picture_bytes(row)[0]) as opened:
            picture = opened.convert("RGB")
    except (OSError, LookupError, UserError) as error:
        raise UserError(f"{where}: the picture cannot be decoded ({error}); prepare the data again") from error
    if picture.size != size:
        raise UserError(f"{where}: the picture has {picture.size} pixels, the row says {size}; prepare the data again")
    return PredictedMask(index, box, encode_mask(sam.segment(picture, box)))
