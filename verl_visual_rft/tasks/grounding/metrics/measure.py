# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Grounding metrics: IoU of the boxes, gIoU and cIoU of masks, and how often everything that is meant is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from verl_visual_rft.boxes import Box
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
from verl_visual_rft.tasks.grounding.matching import OF_ANY_NUMBER, is_faultless, single_iou, typed


@dataclass(frozen=True)
class GroundingMetrics:
    """What one predictions file says about grounding.

    Attributes:
        n: Questions asked.
        miou: Mean IoU of the answered box with the true one, both in the answer's coordinates, of the questions that
            mean one; an answer that is not one box counts 0. ``None`` without such questions.
        acc50: Share of these whose IoU is 0.5 or more (Acc@0.5 of RefCOCO's evaluations).
        box_giou: As ``giou``, of the answered boxes filled; ``None`` where the data hold no masks.
        box_ciou: As ``ciou``, of the answered boxes filled.
        giou: ``mean_i(I_i / U_i)`` of predicted masks, pixels to be ignored left out (LISA, arXiv 2308.00692,
            section 4.1), 1 where both masks are empty; ``None`` without predicted masks.
        ciou: ``sum_i(I_i) / sum_i(U_i)``, which large objects dominate.
        pr_f1: Share of all questions with a box of IoU 0.5 or more on all that is meant, one to one, and no other:
            gRefCOCO's Pr@(F1=1, IoU>=0.5) (arXiv 2308.16182). ``None`` where every prompt asks for one box.
        n_acc: Share of the instructions that mean nothing which are answered so: its N-acc.
        answers: What the answers are counted by; ``failed`` are those that count 0.
        warnings: What speaks against these figures, with the evidence.
    """

    n: int
    miou: Figure | None
    acc50: Figure | None
    box_giou: Figure | None
    box_ciou: Figure | None
    giou: Figure | None
    ciou: Figure | None
    pr_f1: Figure | None
    n_acc: Figure | None
    answers: AnswerStatistics
    warnings: tuple[str, ...]

    task = "grounding"

    def figures(self) -> dict[str, Figure | None]:
        """Mean IoU, Acc@0.5, gIoU and cIoU of filled boxes and of predicted masks; those of any number where it is."""
        figures = {name: getattr(self, name) for name in ("miou", "acc50", "box_giou", "box_ciou", "giou", "ciou")}
        return figures | self._of_any_number()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dictionary, the statistics of the answers at the top."""
        content = asdict(self)
        answers = content.pop("answers")
        absent = {*OF_ANY_NUMBER} - self._of_any_number().keys()
        return {"task": self.task, **{key: content[key] for key in content if key not in absent}, **answers}

    def table(self) -> RenderableType:
        """A line a figure."""
        caption = f"{self.answers.failed} of {self.n} answers failed and count 0; {self.answers}"
        remarks = [caption, *(f"warning: {warning}" for warning in self.warnings)]
        return figures_table(f"grounding, {self.n} questions", self.figures(), "\n".join(remarks))

    def _of_any_number(self) -> dict[str, Figure | None]:
        return {name: figure for name in OF_ANY_NUMBER if (figure := getattr(self, name)) is not None}


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
            raise UserError(
                f"{folder}: no true masks to compare {masks} with; prepare the data with `visual-rft data prepare lisa`"
            )
        giou, ciou = _mask_figures(scored, folder, _Segmented(masks))
    answers = [typed(item.sample) for item in scored]
    overlaps = [single_iou(answer, truth) for answer, truth in answers]
    faultless = [is_faultless(answer, truth) for answer, truth in answers]
    means_one, means_nothing = ([len(truth.boxes) == number for _, truth in answers] for number in (1, 0))
    any_number = [any(truth.any_number for _, truth in answers)] * len(answers)
    return GroundingMetrics(
        n=len(scored),
        miou=_mean_where(means_one, overlaps, scored),
        acc50=_mean_where(means_one, [overlap >= FOUND_IOU for overlap in overlaps], scored),
        box_giou=box_giou,
        box_ciou=box_ciou,
        giou=giou,
        ciou=ciou,
        pr_f1=_mean_where(any_number, faultless, scored),
        n_acc=_mean_where(means_nothing, faultless, scored),
        answers=answer_statistics(scored, reward),
        warnings=coordinate_warnings(scored),
    )


def _mean_where(chosen: Sequence[bool], values: Sequence[float], scored: Sequence[ScoredAnswer]) -> Figure | None:
    """Return the mean over some of the questions; None where there are none."""
    images = [item.prediction.image_id for item in compress(scored, chosen)]
    return mean_figure([*compress(values, chosen)], images) if images else None


def answered_pixel_box(item: ScoredAnswer) -> Box | None:
    """Return the answered box in pixels of the stored picture; ``None`` where the answer is not exactly one box."""
    answer, truth = typed(item.sample)
    return None if answer.box is None else from_extent(answer.box, item.prediction.size, truth.extent)


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
