# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Components that rewards are composed of, each a number in [0, 1].

A component is a class like any reward, with a method for each task that it scores or, if it scores all of them, called
itself; its constructor takes its options. Its docstring says what it pays for and how it is gamed when used alone.
"""

from __future__ import annotations

_PACKAGE = "verl_visual_rft.rewards.components"

#: Where each component is, by name; loaded when it is asked for.
COMPONENTS: dict[str, str] = {
    "iou": f"{_PACKAGE}.overlap:IoU",
    "giou": f"{_PACKAGE}.overlap:GIoU",
    "diou": f"{_PACKAGE}.overlap:DIoU",
    "ciou": f"{_PACKAGE}.overlap:CIoU",
    "l1": f"{_PACKAGE}.overlap:L1",
    "f1": f"{_PACKAGE}.detection:F1",
    "ap": f"{_PACKAGE}.detection:AP",
    "count": f"{_PACKAGE}.detection:Count",
    "confidence": f"{_PACKAGE}.detection:Confidence",
    "accuracy_equal": f"{_PACKAGE}.classification:AccuracyEqual",
    "accuracy_closed_set": f"{_PACKAGE}.classification:AccuracyClosedSet",
    "accuracy_contains": f"{_PACKAGE}.classification:AccuracyContains",
    "format": f"{_PACKAGE}.text:Format",
    "thinking_length": f"{_PACKAGE}.text:ThinkingLength",
    "repetition": f"{_PACKAGE}.text:Repetition",
}
