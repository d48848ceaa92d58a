# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of reading a manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.errors import UserError


def test_a_missing_manifest_names_the_file_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"manifest\.json: No such file.*data prepare"):
        load_manifest(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "is not JSON"), ("[]", "not an object"), ('{"seed": 0}', "no 'chosen', 'conversions'")]
)
def test_an_invalid_manifest_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        load_manifest(path)
