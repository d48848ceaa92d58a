# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The real responses, which are not part of this repository: tests that read them are skipped where they are absent."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from shared_inputs import shared


def _read(name: str, sha256: str) -> bytes:
    path = shared(name)
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == sha256, f"{path} has changed: review its responses anew"
    return content


@pytest.fixture(scope="session")
def real_responses() -> list[dict[str, Any]]:
    """340 responses of real models to all three tasks, with notes and, for some, the rewards that were logged."""
    rows: list[dict[str, Any]] = json.loads(
        _read("cases/real_responses.json", "ce7b0f160d4fa0abd25c0b801349b59a75fa9ba72029a417fc7d992a1543d066")
    )
    return rows


@pytest.fixture(scope="session")
def inference_responses() -> list[dict[str, Any]]:
    """400 responses of the published 2B model, with what the published parser made of each."""
    content = _read(
        "data/visual_rft/coco_infer_responses_2b.jsonl",
        "de86e899194ae9cd7e35235d10fcd69ff27c056a6dbfe7dfb2c87206532c2aac",
    )
    return [json.loads(line) for line in content.decode("utf-8").splitlines()]
