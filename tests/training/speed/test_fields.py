# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Workers read the columns that they compute with."""

import pytest

transfer_queue = pytest.importorskip("transfer_queue")

from verl_visual_rft.training.speed.fields import OF_FORWARD, reading  # noqa: E402


def configuration(strategy="fsdp2", distils=False):
    return {"actor_rollout_ref": {"actor": {"strategy": strategy}}, "distillation": {"enabled": distils}}


def batch(fields=None):
    return transfer_queue.KVBatchMeta(keys=["a_0_0", "a_1_0"], tags=[{}, {}], partition_id="train", fields=fields)


def test_every_workers_part_of_the_batch_asks_for_the_columns_alone():
    whole = batch()
    with reading(OF_FORWARD, whole, configuration()):
        assert [part.fields for part in whole.chunk(2)] == [list(OF_FORWARD)] * 2
    assert whole.fields is None


def test_after_an_error_the_batch_is_as_it_was():
    whole = batch(["input_ids", "extra_info"])
    with pytest.raises(ZeroDivisionError), reading(OF_FORWARD, whole, configuration()):
        raise ZeroDivisionError
    assert whole.fields == ["input_ids", "extra_info"]


@pytest.mark.parametrize("config", [configuration(strategy="megatron"), configuration(distils=True)])
def test_who_may_read_more_gets_all(config):
    whole = batch()
    with reading(OF_FORWARD, whole, config):
        assert whole.fields is None
