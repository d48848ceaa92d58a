# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Detection: AP by the rules of COCO and of LVIS, calibration of confidence, and what is odd about the answers.

answers ─▶ boxes in pixels ─┬─▶ average_precision (faster-coco-eval) ─────────▶ AP
                            └─▶ matching ─┬─▶ resampling (pictures redrawn) ─▶ intervals
                                          └─▶ calibration
"""

from verl_visual_rft.evaluation.detection.evaluate import coco_box, measure_detection, require_known
from verl_visual_rft.evaluation.detection.metrics import DetectionMetrics

__all__ = ["DetectionMetrics", "coco_box", "measure_detection", "require_known"]
