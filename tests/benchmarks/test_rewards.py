# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""That the benchmark of rewards reads an answer with every reader of every task; its times are not tested."""

from pathlib import Path
from types import ModuleType

import pytest
from ours import OUR_TASKS


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import rewards

    return rewards


def test_every_reader_of_every_task_reads(benchmark: ModuleType) -> None:
    readers = benchmark._readers()
    assert set(readers["parsers"]) == set(readers["robust"]) == set(OUR_TASKS)
    for calls in readers.values():
        for call in calls.values():
            call("<think> a </think> <answer>{}</answer>")
