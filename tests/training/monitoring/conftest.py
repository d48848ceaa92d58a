# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest
from sample_rows import make_row


@pytest.fixture(scope="session")
def dataframe():
    datasets = pytest.importorskip("datasets")
    return datasets.Dataset.from_list([make_row(index) for index in range(6)])
