# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from verl_visual_rft.datasets.fake import write_fake

SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def fake(tmp_path_factory):
    """Return the folder of a miniature data set of seed 0, written when it is first asked for."""
    folder = tmp_path_factory.mktemp("fake")

    def root_of(name: str) -> Path:
        if not (folder / name).exists():
            write_fake(name, folder / name)
        return folder / name

    return root_of


@pytest.fixture(scope="session")
def original():
    """Return a real annotation file of ../shared/data, or skip the test where there is none."""

    def path_of(name: str) -> Path:
        if not (SHARED / name).exists():
            pytest.skip(f"the original file ../shared/data/{name} is not on this machine")
        return SHARED / name

    return path_of
