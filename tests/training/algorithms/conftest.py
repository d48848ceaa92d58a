# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def policy_folder(tmp_path_factory) -> Path:
    from tiny_steps import make_policy

    folder = tmp_path_factory.mktemp("policy")
    make_policy(folder)
    return folder


@pytest.fixture(scope="session")
def rows() -> list[dict]:
    from tiny_steps import make_rows

    return make_rows()
