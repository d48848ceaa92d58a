# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What the trainer gets logged; the transfer queue, which needs Ray, is a dictionary here."""

import json
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")
transfer_queue = pytest.importorskip("transfer_queue")

from omegaconf import OmegaConf  # noqa: E402
from sample_rows import RESPONSE, make_row, reward_info  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

from verl_visual_rft.errors import UserError  # noqa: E402
from verl_visual_rft.launching.launch import RUN_MARK  # noqa: E402
from verl_visual_rft.miniature.pretraining import TINY_MODEL  # noqa: E402
from verl_visual_rft.training.monitoring.monitor import Monitor, check_monitoring, earlier_steps  # noqa: E402

TOKENIZER = AutoTokenizer.from_pretrained(TINY_MODEL)
PROMPTS, ROLLOUTS = 3, 2
TEXTS = [RESPONSE, "", RESPONSE, "no answer", RESPONSE]  # the sixth session failed


@pytest.fixture
def trainer(tmp_path, monkeypatch, dataframe):
    monkeypatch.setenv(RUN_MARK, str(tmp_path))
    return SimpleNamespace(
        config=OmegaConf.create(
            {
                "visual_rft": {"samples": {"count": 2, "every": 10}},
                "data": {"train_batch_size": PROMPTS, "max_response_length": 48, "validation_shuffle": False},
                "actor_rollout_ref": {"rollout": {"n": ROLLOUTS}},
                "trainer": {"default_local_dir": str(tmp_path / "checkpoints")},
            }
        ),
        tokenizer=TOKENIZER,
        train_dataset=SimpleNamespace(dataframe=dataframe),
        val_dataset=SimpleNamespace(dataframe=dataframe),
        logger=SimpleNamespace(logger={"console": None}),
        global_steps=1,
        total_training_steps=60,
    )


@pytest.fixture
def batch(monkeypatch):
    """Five responses and a row of padding."""
    keys = [f"u{at // ROLLOUTS}_{at % ROLLOUTS}_0" for at in range(len(TEXTS))]
    tokens = [torch.tensor(TOKENIZER(text)["input_ids"] or [TOKENIZER.eos_token_id]) for text in TEXTS]
    rows = [make_row(at // ROLLOUTS) for at in range(len(TEXTS))]
    stored = {
        key: {**row, "responses": ids, "extra_fields": {"reward_extra_info": reward_info(row, text)}}
        for key, row, ids, text in zip(keys, rows, tokens, TEXTS, strict=True)
    }

    def kv_batch_get(keys, partition_id, select_fields):
        columns = {field: [stored[key][field] for key in keys] for field in select_fields}
        if "responses" in columns:
            columns["responses"] = torch.nested.nested_tensor(columns["responses"], layout=torch.jagged)
        return columns

    monkeypatch.setattr(transfer_queue, "kv_batch_get", kv_batch_get)
    lengths = [{"response_len": len(ids)} for ids in tokens]
    return SimpleNamespace(
        keys=[*keys, "padding"], tags=[*lengths, {"is_padding": True, "response_len": 1}], partition_id="train"
    )


def test_a_step_is_logged(trainer, batch):
    metrics = {"actor/kl_loss": 0.1}
    Monitor(trainer).step(batch, metrics)
    assert metrics["reward/iou/mean"] == pytest.approx(3 / 5)
    assert metrics["parse/well_formed"] == pytest.approx(3 / 5)
    assert metrics["parse/no_answer"] == pytest.approx(2 / 5)
    assert metrics["group/zero_std_frac"] == pytest.approx(1 / 3)  # that of one survivor
    assert metrics["rollout/missing_sessions"] == 1
    assert metrics["response/truncated"] == sum(len(TOKENIZER(text)["input_ids"]) >= 48 for text in TEXTS) / 5
    assert metrics["training/total_steps"] == 60
    assert json.dumps(metrics)  # the file logger takes numbers


def test_rollouts_are_shown_at_the_first_step_and_every_so_many(trainer, batch, tmp_path, capsys):
    monitor = Monitor(trainer)
    for trainer.global_steps in range(1, 21):
        monitor.step(batch, {})
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == [
        f"step_{step:06d}.html" for step in (1, 10, 20)
    ]
    page = (tmp_path / "samples" / "step_000010.html").read_text(encoding="utf-8")
    assert page.count("<article") == page.count("data:image/webp") == 2
    assert "one on the right" in page
    assert f"visual-rft: step 10: 2 responses in {tmp_path}" in capsys.readouterr().out


def test_no_rollouts_cost_nothing(trainer, batch, tmp_path):
    trainer.config.visual_rft.samples.count = 0
    trainer.train_dataset = None
    Monitor(trainer).step(batch, {})
    assert not (tmp_path / "samples").exists()


def test_a_page_that_cannot_be_written_stops_nothing(trainer, batch, tmp_path, capsys):
    (tmp_path / "samples").write_text("in the way")
    metrics = {}
    Monitor(trainer).step(batch, metrics)
    assert metrics["warning/no_samples"] == 1
    assert "visual-rft: step 1: no sample rollouts: cannot write" in capsys.readouterr().out


def test_warnings_are_printed_once_and_logged(trainer, batch, capsys):
    monitor, logged = Monitor(trainer), []
    for trainer.global_steps in range(1, 31):
        metrics = {}
        monitor.step(batch, metrics)
        logged += [name for name in metrics if name.startswith("warning/")]
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "unreadable" in line]
    assert line.startswith("visual-rft: step 10: unreadable answers: 40% of the answers cannot be read")
    assert logged == ["warning/unreadable_answers"] * 21


def test_validation_counts_failed_sessions_as_misses(trainer):
    monitor = Monitor(trainer)
    expected = {("coco", f"u{at}"): 1 for at in range(6)}
    monitor.validated_responses([RESPONSE, RESPONSE, RESPONSE])
    metrics = monitor.validation({"val-core/coco/reward/mean@1": 3.0}, ["u5", "u0", "u3"], expected)
    assert metrics["val/coco/ap"] == pytest.approx(100 * 51 / 101)  # recall 0.5
    assert metrics["val/coco/missing"] == pytest.approx(50)
    assert metrics["val-core/coco/reward/mean@1"] == 3.0


def test_validation_before_training_counts_for_warnings(trainer, batch, capsys):
    monitor = Monitor(trainer)
    trainer.global_steps = 0
    monitor.validated_responses([RESPONSE] * 6)
    expected = {("coco", f"u{at}"): 1 for at in range(6)}
    best = monitor.validation({}, [f"u{at}" for at in range(6)], expected)
    assert best["val/coco/ap"] == 100
    for trainer.global_steps in range(1, 11):
        monitor.step(batch, {"val/coco/ap": 40.0} if trainer.global_steps == 10 else {})
    assert "step 10: reward hacking" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("visual_rft.samples.every", 0, "every is 1 or more"),
        ("visual_rft.samples.count", -1, "count is 0"),
        ("data.validation_shuffle", True, "leave it false"),
    ],
)
def test_settings_that_cannot_work_are_refused(trainer, key, value, words):
    OmegaConf.update(trainer.config, key, value)
    with pytest.raises(UserError, match=words):
        check_monitoring(trainer.config)


def test_a_run_that_goes_on_reads_what_it_logged(tmp_path, capsys):
    lines = [json.dumps({"step": step, "data": {"reward/score/mean": step / 10}}) + "\n" for step in range(1, 9)]
    (tmp_path / "metrics.1.jsonl").write_text("".join(lines))
    (tmp_path / "metrics.2.jsonl").touch()  # of this start
    assert list(earlier_steps(tmp_path, 6).by_step) == [1, 2, 3, 4, 5]
    assert earlier_steps(tmp_path, 1).by_step == {}  # from the beginning
    (tmp_path / "metrics.1.jsonl").write_text("broken\n" + lines[0])
    assert earlier_steps(tmp_path, 6).by_step == {}
    assert "earlier steps are left out" in capsys.readouterr().out
