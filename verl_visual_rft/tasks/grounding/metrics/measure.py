# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Grounding metrics: IoU of the boxes, gIoU and cIoU of masks. An answer without its one box counts 0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from verl_visual_rft.boxes import Box, iou
from verl_visual_rft.coordinates import from_extent
from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.coordinate_evidence import coordinate_warnings
from verl_visual_rft.evaluation.masks import (
    Mask,
    PredictedMask,
    TrueMask,
    decode_mask,
    fill_box,
    overlap,
    read_predicted_masks,
    read_true_mask,
)
from verl_visual_rft.evaluation.results import (
    AnswerStatistics,
    Figure,
    ScoredAnswer,
    answer_statistics,
    figures_table,
    mean_figure,
    ratio_figure,
)
from verl_visual_rft.tasks.findings import FOUND_IOU
from verl_visual_rft.tasks.grounding import GroundingAnswer, GroundingTruth


@dataclass(frozen=True)
class GroundingMetrics:
    """What one predictions file says about grounding.

    Attributes:
        n: Questions asked.
        miou: Mean IoU of the answered boxes with the true ones; both in the answer's coordinates.
        acc50: Share of the answered boxes whose IoU is 0.5 or more (Acc@0.5 of RefCOCO's evaluations).
        box_giou: As ``giou``, of the answered boxes filled; ``None`` where the data hold no masks.
        box_ciou: As ``ciou``, of the answered boxes filled.
        giou: ``mean_i(I_i / U_i)`` of predicted masks, pixels to be ignored left out (LISA, arXiv 2308.00692,
            section 4.1), 1 where both masks are empty; ``None`` without predicted masks.
        ciou: ``sum_i(I_i) / sum_i(U_i)``, which large objects dominate.
        answers: What the answers are counted by; ``failed`` are those that count 0.
        warnings: What speaks against these figures, with the evidence.
    """

    n: int
    miou: Figure
    acc50: Figure
    box_giou: Figure | None
    box_ciou: Figure | None
    giou: Figure | None
    ciou: Figure | None
    answers: AnswerStatistics
    warnings: tuple[str, ...]

    task = "grounding"

    def figures(self) -> dict[str, Figure | None]:
        """Mean IoU, Acc@0.5, and gIoU and cIoU of filled boxes and of predicted masks."""
        return {name: getattr(self, name) for name in ("miou", "acc50", "box_giou", "box_ciou", "giou", "ciou")}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dictionary, the statistics of the answers at the top."""
        content = asdict(self)
        answers = content.pop("answers")
        return {"task": self.task, **content, **answers}

    def table(self) -> RenderableType:
        """A line a figure."""
        caption = f"{self.answers.failed} of {self.n} answers failed and count 0; {self.answers}"
        remarks = [caption, *(f"warning: {warning}" for warning in self.warnings)]
        return figures_table(f"grounding, {self.n} questions", self.figures(), "\n".join(remarks))


def measure_grounding(
    scored: Sequence[ScoredAnswer], reward: str, parquet: Path, masks: Path | None = None
) -> GroundingMetrics:
    """Compute the metrics of answered grounding questions.

    True masks are those that data prep drew beside the parquet, ``masks/SPLIT/IMAGE_ID.png``; where there is no such
    folder, only boxes are compared.

    Args:
        scored: The answers; not empty.
        reward: Name of the reward that they were scored with.
        parquet: The questions.
        masks: Predicted masks that ``visual-rft segment`` made of these answers.

    Raises:
        UserError: A mask is missing, or of another size, or was made of another answer.
    """
    folder = parquet.parent / "masks" / parquet.stem
    box_giou = box_ciou = giou = ciou = None
    if folder.is_dir():
        box_giou, box_ciou = _mask_figures(scored, folder, _filled_box)
    if masks is not None:
        if not folder.is_dir():
            raise UserError(f"{folder}: no true masks to compare {masks} with; prepare the data with data_prep/lisa.py")
        giou, ciou = _mask_figures(scored, folder, _Segmented(masks))
    overlaps, images = [_box_iou(item) for item in scored], [item.prediction.image_id for item in scored]
    return GroundingMetrics(
        n=len(scored),
        miou=mean_figure(overlaps, images),
        acc50=mean_figure([overlap >= FOUND_IOU for overlap in overlaps], images),
        box_giou=box_giou,
        box_ciou=box_ciou,
        giou=giou,
        ciou=ciou,
        answers=answer_statistics(scored, reward),
        warnings=coordinate_warnings(scored),
    )


def answered_pixel_box(item: ScoredAnswer) -> Box | None:
    """Return the answered box in pixels of the stored picture; ``None`` where the answer is not exactly one box."""
    answer, truth = _typed(item)
    return None if answer.box is None else from_extent(answer.box, item.prediction.size, truth.extent)


def _typed(item: ScoredAnswer) -> tuple[GroundingAnswer, GroundingTruth]:
    answer, truth = item.sample.answer, item.sample.truth
    assert isinstance(answer, GroundingAnswer) and isinstance(truth, GroundingTruth)
    return answer, truth


def _box_iou(item: ScoredAnswer) -> float:
    answer, truth = _typed(item)
    return 0.0 if answer.box is None else iou(answer.box, truth.box)


def _mask_figures(
    scored: Sequence[ScoredAnswer], folder: Path, predict: Callable[[ScoredAnswer, TrueMask], Mask | None]
) -> tuple[Figure, Figure]:
    """Return gIoU and cIoU."""
    shares, intersections, unions = [], [], []
    for item in scored:
        path = folder / f"{item.prediction.image_id}.png"
        truth = read_true_mask(path)
        if truth.size != item.prediction.size:
            raise UserError(
                f"{path}: {truth.size} pixels, the picture has {item.prediction.size}; prepare the data again"
            )
        predicted = predict(item, truth)
        intersection, union = overlap(predicted, truth)
        shares.append(intersection / union if union else float(predicted is not None))
        intersections.append(intersection)
        unions.append(union)
    images = [item.prediction.image_id for item in scored]
    return mean_figure(shares, images), ratio_figure(intersections, unions, images)


def _filled_box(item: ScoredAnswer, truth: TrueMask) -> Mask | None:
    box = answered_pixel_box(item)
    return None if box is None else fill_box(box, truth.size)


class _Segmented:
    """The masks of a file that belong to the answers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._masks: dict[int, PredictedMask] = read_predicted_masks(path)

    def __call__(self, item: ScoredAnswer, truth: TrueMask) -> Mask | None:
        where = f"{self._path}: row {item.prediction.index}"
        predicted = self._masks.get(item.prediction.index)
        if predicted is None or predicted.box != answered_pixel_box(item):
            problem = "no mask" if predicted is None else "the mask was made of another answer"
            raise UserError(f"{where}: {problem}; run `visual-rft segment` on these predictions")
        if predicted.segmentation is None:
            return None
        mask = decode_mask(predicted.segmentation)
        if mask.shape != truth.target.shape:
            raise UserError(f"{where}: the mask is {mask.shape[::-1]} pixels, the picture {truth.size}")
        return mask
