# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a model's confidences are worth: AP as it ranks its boxes, and with all confidences the same.

    python benchmarks/confidence.py outputs/quickstart/eval/rft/predictions.jsonl ... --data outputs/quickstart/data

AP ranks boxes across pictures. Confidences that say the same of all boxes earn nothing by it: the difference is about
0. Its 95 % interval is that of pictures redrawn, the same for both; boxes that are equally sure stand in the order of
the pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from verl_visual_rft.evaluation.bootstrap import percentile_interval, resample_counts
from verl_visual_rft.evaluation.predictions import read_predictions
from verl_visual_rft.evaluation.prepared import PreparedTruth, load_truth
from verl_visual_rft.evaluation.results import ScoredAnswer, score_answers
from verl_visual_rft.tasks.detection.metrics.matching import match_boxes
from verl_visual_rft.tasks.detection.metrics.measure import coco_box, distinct
from verl_visual_rft.tasks.detection.metrics.resampling import resampled_ap


def mean_ap(
    scored: Sequence[ScoredAnswer], truth: PreparedTruth, draws: NDArray[np.int64], same: bool
) -> NDArray[np.float64]:
    """Return the mean AP over the categories with objects in percent, of each draw of pictures."""
    boxes = [
        coco_box(detection._replace(confidence=1.0) if same else detection, item, truth.image_ids)
        for item in scored
        for detection in distinct(item.sample.answer.detections)
    ]
    matches = match_boxes(truth.annotations, boxes, list(truth.category_ids.values()))
    per_category = np.stack(
        [resampled_ap(found, draws).mean(axis=1) for found in matches.values() if found.truths.sum()]
    )
    mean: NDArray[np.float64] = np.nanmean(per_category, axis=0)
    return mean


def main() -> None:
    """Print a line a predictions file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictions", type=Path, nargs="+", help="files that `visual-rft predict` wrote")
    parser.add_argument("--data", type=Path, required=True, help="prepared folder that was asked about")
    options = parser.parse_args()
    truth = load_truth(options.data)
    draws = np.concatenate([np.ones((1, len(truth.image_ids)), dtype=np.int64), resample_counts(len(truth.image_ids))])
    for path in options.predictions:
        answers = [prediction for prediction in read_predictions(path) if prediction.task == "detection"]
        scored = score_answers(answers, "detection", "robust", path)
        own, same = (mean_ap(scored, truth, draws, constant) for constant in (False, True))
        sure = [d.confidence for item in scored for d in item.sample.answer.detections if d.confidence is not None]
        span = percentile_interval(own[1:] - same[1:])
        print(
            f"{path}: AP {own[0]:.1f}, all confidences the same {same[0]:.1f}, difference {own[0] - same[0]:+.1f} "
            f"({span.low:+.1f} to {span.high:+.1f}); {len(sure)} confidences, {len(set(sure))} different, "
            f"mean {np.mean(sure):.2f}, standard deviation {np.std(sure):.2f}"
        )


if __name__ == "__main__":
    main()
