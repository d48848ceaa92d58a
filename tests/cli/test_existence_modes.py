# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Every mode of the existence stage through the real commands: data prep, predict, eval, against a made model."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import pyarrow.parquet as pq
import pytest
from commands import Done, data_prep, visual_rft
from PIL import Image

from verl_visual_rft.miniature.shapes import SIDE
from verl_visual_rft.tasks.detection.prompt import detection_answer

pytest.importorskip("openai")

SEEN_COLOURS = {"white", "blue"}  # the made model sees nothing else


class Model(BaseHTTPRequestHandler):
    """Calls a category present by its colour; asked where it is, it knows all boxes and sees one where none is."""

    boxes: ClassVar[dict[tuple[bytes, str], list[list[int]]]] = {}  # by the picture's pixels and the category

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        picture, text = request["messages"][0]["content"]
        png = base64.b64decode(picture["image_url"]["url"].partition(",")[2])
        found = re.search("category '(?P<name>[^']+)", text["text"])
        assert found
        if text["text"].startswith("Is there any object"):
            content = "Yes" if found["name"].split()[0] in SEEN_COLOURS else "No."
        else:
            key = Image.open(BytesIO(png)).tobytes(), found["name"]
            content = detection_answer(self.boxes.get(key) or [[0, 0, 1000, 1000]], thinking="there")
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        body = json.dumps({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments: object) -> None:
        pass


def printed_by(done: Done) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def prepare(root: Path, out: Path, *arguments: str | Path) -> Path:
    settings = ("--rows", "2", "--novel-categories", "white triangle", *arguments)
    printed_by(data_prep("coco.py", "--root", root, "--out", out, *settings))
    return out


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    printed_by(data_prep("shapes.py", "--out", folder, "--train", "4", "--val", "10"))
    return folder


@pytest.fixture(scope="module")
def data(shapes: Path) -> Path:
    """Questions about ten pictures, two in five of them about something that is not there."""
    return prepare(shapes, shapes / "data", "--val-negatives", "0.4")


@pytest.fixture(scope="module")
def url(data: Path) -> Iterator[str]:
    truth = json.loads((data / "val_annotations.json").read_text())
    names = {category["id"]: category["name"] for category in truth["categories"]}
    files = {image["id"]: image["file_name"] for image in truth["images"]}
    for annotation in truth["annotations"]:
        picture = Image.open(data.parent / "val" / files[annotation["image_id"]]).convert("RGB")
        x, y, width, height = (1000 * value / SIDE for value in annotation["bbox"])
        key = picture.tobytes(), names[annotation["category_id"]]
        Model.boxes.setdefault(key, []).append([int(x), int(y), int(x + width), int(y + height)])
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


@dataclass(frozen=True)
class Run:
    """A prediction behind a stage: its file, what the meta file says of the stage, and what was printed."""

    out: Path
    stage: dict[str, Any]
    printed: str


@pytest.fixture(scope="module")
def runs(data: Path, url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    runs = {mode: predicted(url, data, folder / f"{mode}.jsonl", mode) for mode in ("self", "oracle", "none")}
    return runs | {"map": predicted(url, data, folder / "map.jsonl", folder / "self.existence.json")}


def predicted(url: str, data: Path, out: Path, existence: str | Path) -> Run:
    server = ("--engine", "openai", "--url", url, "--model", "made")
    files = ("--data", data / "val.parquet", "--out", out)
    printed = printed_by(visual_rft("predict", *server, *files, "--existence", existence, COLUMNS="200"))
    return Run(out, json.loads(out.with_suffix(".meta.json").read_text())["existence"], printed)


def evaluated(predictions: Path, data: Path, *arguments: str | Path) -> tuple[dict[str, Any], str]:
    out = predictions.with_suffix(".metrics.json")
    printed = printed_by(visual_rft("eval", predictions, "--data", data, "--out", out, *arguments, COLUMNS="200"))
    return json.loads(out.read_text()), printed


def test_every_mode_says_what_it_asked_and_how_often_it_was_right(data: Path, runs: dict[str, Run]) -> None:
    questions = pq.read_table(data / "val.parquet", columns=["reward_model", "extra_info"]).to_pylist()
    there = [bool(json.loads(row["reward_model"]["ground_truth"])["boxes"]) for row in questions]
    said = [row["extra_info"]["category"].split()[0] in SEEN_COLOURS for row in questions]
    hits = sum(a and b for a, b in zip(there, said, strict=True))
    assert 0 < hits < sum(said) < len(questions), "the made model is sometimes right and sometimes not"
    precision, recall = hits / sum(said), hits / sum(there)
    expected = {"self": (sum(said), precision, recall), "map": (sum(said), precision, recall)}
    expected["oracle"] = (sum(there), 1.0, 1.0)
    for mode, figures in expected.items():
        stage = runs[mode].stage
        assert (stage["mode"], stage["questions"]) == (mode, len(questions))
        assert (stage["asked"], stage["precision"], stage["recall"]) == figures
        assert f"precision {figures[1]:.3f}, recall {figures[2]:.3f}" in runs[mode].printed
    assert runs["none"].stage == {"mode": "none", "questions": len(questions), "asked": len(questions)}
    for run in runs.values():
        assert len(run.out.read_text().splitlines()) == run.stage["asked"]
    assert runs["self"].stage["unreadable"] == runs["map"].stage["claimed_not_in_data"] == 0
    assert runs["map"].out.read_bytes() == runs["self"].out.read_bytes()


def test_ap_behind_each_stage_is_that_of_a_run_behind_it(data: Path, runs: dict[str, Run]) -> None:
    map_file = runs["self"].out.with_suffix(".existence.json")
    metrics, printed = evaluated(runs["none"].out, data, "--existence", "oracle", "--existence", map_file)
    behind = metrics["existence"]
    assert [*behind] == ["oracle", str(map_file)]
    oracle, own = behind.values()
    for stage, mode in ((oracle, "oracle"), (own, "self")):
        alone, _ = evaluated(runs[mode].out, data)
        assert (stage["asked"], stage["map_all"]) == (alone["n"], pytest.approx(alone["map_all"]))

    # The ceiling: of each category, COCO's recall points up to the share of its boxes that the stage lets through.
    truth = json.loads((data / "val_annotations.json").read_text())
    names = {category["id"]: category["name"] for category in truth["categories"]}
    shown = {names[annotation["category_id"]] for annotation in truth["annotations"]}
    share = sum(name.split()[0] in SEEN_COLOURS for name in shown) / len(shown)
    ceilings = [stage["ap_ceilings"]["all"] for stage in (oracle, own)]
    assert ceilings == pytest.approx([100, 100 * share])
    assert 0 < own["map_all"] < ceilings[1] and metrics["map_all"] < oracle["map_all"]
    for stage, ceiling in zip((oracle, own), ceilings, strict=True):
        assert f"{stage['map_all']:.1f} of {ceiling:.1f}" in printed
        assert f"{stage['quality']['precision']:.3f}" in printed and f"{stage['quality']['recall']:.3f}" in printed


def test_questions_prepared_from_a_map_are_all_that_it_calls_present(
    shapes: Path, data: Path, url: str, tmp_path: Path
) -> None:
    """Without the pairs of the map that show nothing, AP is higher than the published protocol's."""
    truth = json.loads((data / "val_annotations.json").read_text())
    names = {category["id"]: category["name"] for category in truth["categories"]}
    asked = ["white circle", "blue square", "blue circle"]
    (tmp_path / "map.json").write_text(json.dumps({str(image["id"]): asked for image in truth["images"]}))
    shown = predicted(url, data, tmp_path / "shown.jsonl", tmp_path / "map.json")
    assert shown.stage["claimed_not_in_data"] > 0
    assert "AP is higher than the published protocol's" in shown.printed

    prepared = prepare(shapes, tmp_path / "prepared", "--val-pairs", tmp_path / "map.json")
    every = predicted(url, prepared, tmp_path / "every.jsonl", "none")
    assert every.stage["asked"] == len(asked) * len(truth["images"])
    published, _ = evaluated(every.out, prepared, "--existence", tmp_path / "map.json")
    flattered, _ = evaluated(shown.out, data)
    (stage,) = published["existence"].values()
    assert stage["map_all"] == published["map_all"] < flattered["map_all"]
    assert stage["quality"]["claimed"] == every.stage["asked"]
    missed = sum(names[annotation["category_id"]] not in asked for annotation in truth["annotations"])
    assert 0 < stage["quality"]["recall"] < 1
    assert (published["images"], published["truths_not_asked"]) == (len(truth["images"]), missed)
