# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Updates that must not be made, through veRL's own worker and engine; and on two ranks."""

import json
import math
import pickle
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

import forks  # noqa: E402
import guarded_engine  # noqa: E402
import guarded_updates  # noqa: E402
from guarded_engine import Guarded, micro_batch  # noqa: E402
from tiny_steps import make_policy, make_rows  # noqa: E402

from verl_visual_rft.errors import UserError  # noqa: E402
from verl_visual_rft.training.guards.non_finite import NonFiniteError, rows_saved  # noqa: E402
from verl_visual_rft.training.guards.rows import StoppedRows  # noqa: E402


@pytest.fixture(scope="module")
def rows():
    return make_rows()


@pytest.fixture(scope="module")
def results(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("updates")
    make_policy(folder / "policy")
    torch.save(rows, folder / "rows.pt")
    forks.run(guarded_updates.main, str(folder / "policy"), folder / "rows.pt", folder / "result.pt")
    return torch.load(folder / "result.pt", weights_only=False)


def tokens(row):
    return torch.cat([row["prompt_ids"], row["response_ids"]]).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("case", ["nan_advantage", pytest.param("infinite_advantage", marks=pytest.mark.long)])
def test_a_loss_that_is_not_finite_names_the_rows_of_the_group(results, rows, case):
    """One score that is not finite makes the advantages of its whole group so; the other groups are not blamed."""
    assert results[case]["what"].startswith("the loss is")
    group = [tokens(row) for row in rows if row["uid"] == rows[5]["uid"]]
    assert sorted(results[case]["rows"]) == sorted(group)


@pytest.mark.slow
def test_a_gradient_that_is_not_finite_names_the_rows_of_its_micro_batch(results, rows):
    assert results["gradient"]["what"].startswith("the gradient norm is")
    assert tokens(rows[5]) in results["gradient"]["rows"]
    assert len(results["gradient"]["rows"]) == 4  # ppo_micro_batch_size_per_gpu


@pytest.mark.slow
def test_no_weight_is_changed_by_them(results):
    assert results["weights_unchanged"]


@pytest.mark.slow
def test_a_micro_batch_of_nothing_but_rows_that_fill_up_is_computed(results):
    """Fails without `fixes.embed_text_without_pictures`."""
    (norm,) = results["padded"]["grad_norm"]
    assert 0 < norm < math.inf


@pytest.mark.slow
def test_all_ranks_stop_together_and_know_the_rows(tmp_path):
    ended = forks.run_ranks(2, guarded_engine.stop_together, tmp_path)
    assert [rank.status for rank in ended] == [0, 0], ended
    for rank in (0, 1):
        seen = json.loads((tmp_path / f"{rank}.json").read_text())
        assert seen["loss"]["rows"] == [[11, 11]]
        assert seen["gradient"]["rows"] == [[1, 1], [11, 11]]  # FSDP's gradient of a micro-batch is the ranks' sum
        assert seen["loss"]["steps"] == 0


@pytest.fixture
def one_rank(tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("scaled", [False, True])
def test_a_scaler_of_float16_looks_after_its_gradients_itself(one_rank, scaled):
    engine = Guarded()
    engine.scaler = object() if scaled else None
    engine.forward_backward_batch([micro_batch(0.0, 1)], lambda y: y.sum().abs().sqrt())
    if scaled:
        assert not math.isfinite(engine.optimizer_step())
    else:
        with pytest.raises(NonFiniteError, match="the gradient norm is nan"):
            engine.optimizer_step()


def test_finite_updates_are_made_one_after_another(one_rank):
    engine = Guarded()
    for _ in range(2):
        engine.forward_backward_batch([micro_batch(1.0, 1), micro_batch(2.0, 2)], torch.sum)
        engine.optimizer_step()
    assert engine.steps == 2


def test_examples_of_supervised_training_are_saved_by_the_engine(one_rank, tmp_path, monkeypatch):
    from transformers import AutoTokenizer

    from verl_visual_rft.miniature.pretraining import TINY_MODEL
    from verl_visual_rft.training.run_mark import RUN_MARK

    monkeypatch.setenv(RUN_MARK, str(tmp_path))
    engine = Guarded()
    engine.model_config = SimpleNamespace(tokenizer=AutoTokenizer.from_pretrained(TINY_MODEL))
    engine.lr_scheduler = SimpleNamespace(last_epoch=4)
    ids = torch.tensor(engine.model_config.tokenizer("Detect it")["input_ids"])
    data = {"x": torch.tensor([[math.inf]]), "input_ids": torch.nested.as_nested_tensor([ids], layout=torch.jagged)}
    engine.forward_backward_batch([data], torch.sum)
    with pytest.raises(NonFiniteError, match="the loss is -?inf; the rows: .*stopped_rows.step_5.json"):
        engine.optimizer_step()
    assert json.loads((tmp_path / "stopped_rows.step_5.json").read_text())["rows"] == [{"text": "Detect it"}]


def test_the_trainer_saves_the_rows_that_a_worker_names(tmp_path, monkeypatch):
    """The error as Ray hands it over: one of two types, whose text is the traceback in the worker."""
    import transfer_queue
    from ray.exceptions import RayTaskError

    inputs = {"a_0_0": torch.tensor([1, 2]), "a_1_0": torch.tensor([1, 3]), "b_0_0": torch.tensor([1, 2])}

    def kv_batch_get(keys, partition_id, select_fields):
        return {"input_ids": [inputs[key] for key in keys]} if "input_ids" in select_fields else {}

    monkeypatch.setattr(transfer_queue, "kv_batch_get", kv_batch_get)
    cause = pickle.loads(pickle.dumps(NonFiniteError("the loss is nan", [[1, 2]])))
    batch = SimpleNamespace(keys=list(inputs), partition_id="train")
    with pytest.raises(UserError, match="step 3: the loss is nan, no weight was changed by it; the 2 rows: ") as caught:
        with rows_saved(StoppedRows(tmp_path, tokenizer=None), 3, batch):
            raise RayTaskError("update_actor", "Traceback ...", cause).as_instanceof_cause()
    assert "Traceback" not in str(caught.value)
    saved = json.loads((tmp_path / "stopped_rows.step_3.json").read_text())
    assert saved["why"] == "the loss is nan"
    assert [row["response_key"] for row in saved["rows"]] == ["a_0_0", "b_0_0"]
