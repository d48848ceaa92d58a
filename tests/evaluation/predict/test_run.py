# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.evaluation.predict import existence_path, meta_path, predict
from verl_visual_rft.evaluation.predict.engines.engine import Response
from verl_visual_rft.evaluation.predict.engines.replay import ReplayEngine, ReplaySettings
from verl_visual_rft.evaluation.predict.engines.vllm_offline import VllmSettings
from verl_visual_rft.evaluation.predict.rows import pixel_budgets
from verl_visual_rft.evaluation.predictions import read_predictions
from verl_visual_rft.tasks import read_truth

SLOW_REPLAY = """
import sys
import time
from pathlib import Path

from verl_visual_rft.evaluation.predict import predict
from verl_visual_rft.evaluation.predict.engines.replay import ReplayEngine, ReplaySettings

answer = ReplayEngine.answer


def answer_slowly(self, batches):
    for answered in answer(self, batches):
        time.sleep(0.01)
        yield answered


ReplayEngine.answer = answer_slowly
responses, data, out, existence = sys.argv[1:]
predict(ReplaySettings(Path(responses)), Path(data), Path(out), existence=existence)
"""


@pytest.fixture
def replayed(parquet, responses):
    """Settings and data of a replay of 60 questions."""
    data = parquet(20)
    return ReplaySettings(responses(data)), data


def test_answers_come_in_the_order_of_the_rows(replayed, tmp_path):
    result = predict(*replayed, tmp_path / "predictions.jsonl")
    predictions = read_predictions(result.out)
    assert [prediction.response for prediction in predictions] == [f"résumé {index}" for index in range(60)]
    assert (result.n, result.resumed) == (60, 0)
    assert (predictions[4].image_id, predictions[4].category, predictions[4].category_id) == ("2", "hot dog", 58)
    assert (predictions[4].task, predictions[4].size) == ("detection", (90, 60))
    assert read_truth("detection", predictions[4].ground_truth).boxes == ()
    assert predictions[5].response_tokens is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_at_a_random_point_and_run_again_the_file_is_the_same(replayed, tmp_path, seed):
    settings, data = replayed
    whole = predict(settings, data, tmp_path / "whole" / "predictions.jsonl").out

    out = tmp_path / "killed" / "predictions.jsonl"
    script = tmp_path / "slow_replay.py"
    script.write_text(SLOW_REPLAY)
    process = subprocess.Popen([sys.executable, script, settings.responses, data, out, "none"])
    while not out.parent.exists():
        assert process.poll() is None
        time.sleep(0.005)
    time.sleep(random.Random(seed).uniform(0, 0.6))  # the answers take 0.6 s
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()

    resumed = predict(settings, data, out)
    assert resumed.resumed < resumed.n == 60
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in out.parent.iterdir()) == ["predictions.jsonl", "predictions.meta.json"]


class BatchesOfFour(ReplaySettings):
    """A replay whose answers tell their batch, as vLLM's may depend on it; it breaks where it is told to."""

    batch: ClassVar[int] = 4
    breaks_after: ClassVar[int] = 99
    asked: ClassVar[list[list[int]]] = []

    def load(self):
        return _TellsItsBatch(self)


class _TellsItsBatch(ReplayEngine):
    def answer(self, batches):
        for number, batch in enumerate(batches):
            if number == BatchesOfFour.breaks_after:
                raise UserError("the engine broke")
            indexes = [row["extra_info"]["index"] for row in batch]
            BatchesOfFour.asked.append(indexes)
            yield batch, [Response(str(indexes), 1, "stop") for _ in batch]


@pytest.fixture
def batches(parquet, responses):
    BatchesOfFour.asked.clear()
    BatchesOfFour.breaks_after = 99
    data = parquet(3)
    return BatchesOfFour(responses(data)), data


def test_what_was_answered_before_a_failure_is_kept_and_not_asked_again(batches, tmp_path):
    BatchesOfFour.breaks_after = 1
    with pytest.raises(UserError, match=r"the engine broke\n.*4 of 9 answers are kept"):
        predict(*batches, tmp_path / "predictions.jsonl")
    BatchesOfFour.breaks_after = 99
    assert predict(*batches, tmp_path / "predictions.jsonl").resumed == 4
    assert BatchesOfFour.asked == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]


@pytest.mark.parametrize(
    ("taken", "named"), [(".predictions.jsonl.lock", "predictions.jsonl"), ("predictions.meta.json",) * 2]
)
def test_a_file_that_cannot_be_written_leaves_the_answers_and_nothing_else(batches, tmp_path, taken, named):
    (tmp_path / taken).mkdir()
    with pytest.raises(UserError, match=f"cannot write .*/{named}: .*; the answers are kept, run the same command"):
        predict(*batches, tmp_path / "predictions.jsonl")
    (journal,) = tmp_path.glob("predictions.jsonl.*")
    assert journal.suffix == ".partial"


def test_a_batch_that_is_there_in_part_is_asked_again_as_a_whole(batches, tmp_path):
    BatchesOfFour.breaks_after = 2
    with pytest.raises(UserError, match="the engine broke"):
        predict(*batches, tmp_path / "predictions.jsonl")
    (journal,) = tmp_path.glob("predictions.jsonl.*.partial")
    os.truncate(journal, journal.stat().st_size - 20)
    BatchesOfFour.breaks_after = 99
    assert predict(*batches, tmp_path / "predictions.jsonl").resumed == 4
    assert BatchesOfFour.asked == [[0, 1, 2, 3], [4, 5, 6, 7], [4, 5, 6, 7], [8]]
    assert [p.response for p in read_predictions(tmp_path / "predictions.jsonl")][7] == "[4, 5, 6, 7]"


def test_a_finished_file_is_kept(batches, tmp_path, capsys):
    out = tmp_path / "predictions.jsonl"
    predict(*batches, out)
    BatchesOfFour.asked.clear()
    assert predict(*batches, out).resumed == 9
    assert BatchesOfFour.asked == []
    assert "is complete" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["the answers", "the settings"])
def test_a_finished_file_of_something_else_is_made_again(replayed, tmp_path, change):
    settings, data = replayed
    out = predict(settings, data, tmp_path / "predictions.jsonl").out
    first = out.read_bytes()
    if change == "the answers":
        out.write_bytes(first[:-40])
    else:
        lines = settings.responses.read_text().splitlines(keepends=True)
        settings.responses.write_text("".join(lines[1:] + lines[:1]))
    assert predict(settings, data, out).resumed == 0
    assert out.read_bytes() == first


def test_the_meta_file_says_how_the_answers_were_made(replayed, tmp_path):
    out = predict(*replayed, tmp_path / "predictions.jsonl").out
    meta = json.loads(meta_path(out).read_text())
    assert meta["engine"]["name"] == "replay"
    assert meta["pixel_budgets"] == [{"min_pixels": 3136, "max_pixels": 50176}]
    assert (meta["n"], meta["existence"]["mode"]) == (60, "none")


def test_pixel_budgets_of_mixed_rows(prepared):
    assert pixel_budgets(prepared / "val.parquet") == [{"min_pixels": 3136, "max_pixels": 50176}]


# Existence stage.


@pytest.fixture
def gated(parquet, responses, tmp_path):
    """Predict three pictures behind a stage; return the indexes that were asked, and the meta file's account."""
    data = parquet(3)
    settings = ReplaySettings(responses(data))

    def run(mode: str):
        out = predict(settings, data, tmp_path / "predictions.jsonl", existence=mode).out
        return [p.index for p in read_predictions(out)], json.loads(meta_path(out).read_text())["existence"]

    return run


def test_the_oracle_asks_about_what_is_there(gated):
    indexes, account = gated("oracle")
    assert indexes == [1, 2, 3, 7, 8]
    assert (account["asked"], account["questions"], account["precision"], account["recall"]) == (5, 9, 1.0, 1.0)


def test_a_map_asks_about_what_it_claims_and_says_how_good_it_is(gated, tmp_path, capsys):
    claims = {"1": ["hot dog", "cat", "dog"], "2": [], "3": ["toaster"], "9": ["cat"]}
    (tmp_path / "map.json").write_text(json.dumps(claims))
    indexes, account = gated(str(tmp_path / "map.json"))
    assert indexes == [0, 1, 8]
    assert (account["precision"], account["recall"]) == (pytest.approx(2 / 3), pytest.approx(2 / 5))
    # Picture 9 is not in the data; "dog" is no category of it.
    assert (account["claimed_not_in_data"], account["never_claimed"]) == (1, [])
    assert "3 of 9 questions are asked; precision 0.667, recall 0.400" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"1": ["cat"], "2": ["cat"]}, "says nothing about image 3"),
        ({"1": ["Cat"], "2": ["hot_dog"], "3": []}, "knows none of the categories"),
        ({"1": [], "2": [], "3": [], "9": ["cat"]}, "nothing to predict"),
        ([], "is no existence map"),
        ({"1": "cat"}, "is not a list of category names"),
    ],
)
def test_a_map_that_does_not_fit(gated, tmp_path, claims, message):
    (tmp_path / "map.json").write_text(json.dumps(claims))
    with pytest.raises(UserError, match=message):
        gated(str(tmp_path / "map.json"))


def test_a_mode_that_does_not_exist(gated):
    with pytest.raises(UserError, match="neither none, self, oracle nor an existence map"):
        gated("orakel")


class SaysYesToCats(ReplaySettings):
    """A model that sees a cat in every picture, a toaster in the second, and does not understand about hot dogs."""

    def load(self):
        return _SaysYesToCats(self)


class _SaysYesToCats(ReplayEngine):
    def answer(self, batches):
        for batch in batches:
            yield batch, [self._say(row) for row in batch]

    def _say(self, row):
        extra = row["extra_info"]
        if "Is there any object" not in row["prompt"][0]["content"]:
            return Response("boxes", 1, "stop")
        yes = extra["category"] == "cat" or (extra["image_id"], extra["category"]) == ("2", "toaster")
        return Response("Yes." if yes else "sausage" if extra["category"] == "hot dog" else "No", 1, "stop")


def test_the_model_itself_is_asked_first_and_leaves_its_map(parquet, responses, tmp_path, capsys):
    data = parquet(3)
    out = predict(SaysYesToCats(responses(data)), data, tmp_path / "predictions.jsonl", existence="self").out
    assert [(p.index, p.response) for p in read_predictions(out)] == [(i, "boxes") for i in (0, 3, 5, 6)]
    assert json.loads(existence_path(out).read_text()) == {"1": ["cat"], "2": ["cat", "toaster"], "3": ["cat"]}
    assert json.loads(meta_path(out).read_text())["existence"]["unreadable"] == 3
    assert "3 answers were neither yes nor no" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.partial"))


def test_other_tasks_have_no_existence_stage(parquet, responses, tmp_path):
    data = parquet(1)
    rows = pq.read_table(data).to_pylist()
    pq.write_table(pa.Table.from_pylist([row | {"ability": "grounding"} for row in rows]), data)
    with pytest.raises(UserError, match="questions of grounding; use --existence none"):
        predict(ReplaySettings(responses(data)), data, tmp_path / "out.jsonl", existence="oracle")


# Bad input.


def test_missing_data(tmp_path):
    with pytest.raises(UserError, match="no such file; give a parquet"):
        predict(ReplaySettings(tmp_path / "r"), tmp_path / "val.parquet", tmp_path / "out.jsonl")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"prompt": ["x"]}, "columns .*images.* are missing"),
        (
            {name: pa.array([], pa.string()) for name in ("prompt", "images", "ability", "reward_model", "extra_info")},
            "no rows",
        ),
    ],
)
def test_parquet_of_something_else(tmp_path, table, message):
    pq.write_table(pa.table(table), tmp_path / "val.parquet")
    with pytest.raises(UserError, match=message):
        predict(ReplaySettings(tmp_path / "r"), tmp_path / "val.parquet", tmp_path / "out.jsonl")


def test_rows_with_one_index(parquet, responses, tmp_path):
    data = parquet(1)
    rows = pq.read_table(data).to_pylist()
    pq.write_table(pa.Table.from_pylist([rows[0], rows[0]]), data)
    with pytest.raises(UserError, match="two rows have the same extra_info.index"):
        predict(ReplaySettings(responses(data)), data, tmp_path / "out.jsonl")


def test_folder_without_a_model(prepared, tmp_path):
    with pytest.raises(UserError, match="no config.json"):
        predict(VllmSettings(tmp_path), prepared / "val.parquet", tmp_path / "out" / "predictions.jsonl")
    assert not (tmp_path / "out").exists()


def test_a_question_without_a_saved_response(replayed, tmp_path):
    settings, data = replayed
    lines = settings.responses.read_text().splitlines(keepends=True)
    settings.responses.write_text("".join(lines[:20] + lines[21:]))
    with pytest.raises(UserError, match=r"no response to row 39 \(14.jpg, 'cat'\), image 14"):
        predict(settings, data, tmp_path / "out.jsonl")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"image_id": 1, "category": "cat", "response": "other"}', "line 61: image 1, 'cat' has another response"),
        ('{"image_id": 1, "category": "cat"}', "line 61: not a JSON object with image_id.*'response'"),
        ('{"image_id": 1, "cat', "line 61 is not JSON"),
        ("[]", "line 61: not a JSON object"),
        ('{"image_id": 1, "category": ["cat"], "response": "other"}', "line 61: not a JSON object"),
    ],
)
def test_responses_that_cannot_be_used(replayed, tmp_path, line, message):
    settings, data = replayed
    settings.responses.write_text(settings.responses.read_text() + line + "\n")
    with pytest.raises(UserError, match=message):
        predict(settings, data, tmp_path / "out.jsonl")


def _without(path, *keys):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({k: v for k, v in line.items() if k not in keys}) + "\n" for line in lines))


def _with_nulls(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    nulls = {"category": None, "response_tokens": None, "finish_reason": None}
    path.write_text("".join(json.dumps({**line, **nulls}) + "\n" for line in lines))


@pytest.mark.parametrize("null", [False, True])
def test_saved_responses_may_name_their_row_in_place_of_the_category(replayed, tmp_path, null):
    settings, data = replayed
    whole = predict(settings, data, tmp_path / "whole.jsonl").out
    by_index = tmp_path / "by_index.jsonl"
    by_index.write_bytes(whole.read_bytes())
    _without(by_index, "category", "ground_truth")
    if null:  # as tools that write tables fill what a line lacks
        _with_nulls(by_index)
    again = predict(ReplaySettings(by_index), data, tmp_path / "again.jsonl").out
    assert again.read_bytes() == whole.read_bytes()


def test_saved_responses_need_not_name_what_was_asked_in_classification_alone(replayed, tmp_path):
    """There the category is the answer."""
    settings, data = replayed
    rows = [row for row in pq.read_table(data).to_pylist() if row["extra_info"]["category"] == "cat"]
    settings.responses.write_text(
        "".join(json.dumps({"image_id": number, "response": f"a {number}"}) + "\n" for number in range(1, 21))
    )
    truth = {"style": "rule", "ground_truth": '{"label": "cat"}'}
    for ability, reward_model in (("detection", rows[0]["reward_model"]), ("classification", truth)):
        asked = [{**row, "ability": ability, "reward_model": reward_model} for row in rows]
        pq.write_table(pa.Table.from_pylist(asked), data)
        if ability == "detection":
            with pytest.raises(UserError, match="each with its category or index"):
                predict(settings, data, tmp_path / "out.jsonl")
        else:
            predictions = read_predictions(predict(settings, data, tmp_path / "out.jsonl").out)
            assert [p.response for p in predictions] == [f"a {number}" for number in range(1, 21)]
    settings.responses.write_text(settings.responses.read_text() + '{"image_id": 3, "response": "another"}\n')
    with pytest.raises(UserError, match="line 21: image 3 has another response above"):
        predict(settings, data, tmp_path / "out.jsonl")


def test_saved_responses_may_be_a_predictions_file(replayed, tmp_path):
    settings, data = replayed
    first = predict(settings, data, tmp_path / "first.jsonl").out
    again = predict(ReplaySettings(Path(first)), data, tmp_path / "again.jsonl").out
    assert again.read_bytes() == first.read_bytes()
