# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from shared_inputs import shared

from verl_visual_rft.miniature.originals import write_fake


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
    """Return a real annotation file of ../shared/data."""
    return lambda name: shared(f"data/{name}")
