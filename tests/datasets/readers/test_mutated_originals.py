# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Originals damaged at random: every reader reads them or refuses them for people, whatever they hold.

40 of each reader with every change, 2 000 in the long run.
"""

from __future__ import annotations

import json
import random
import traceback
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from verl_visual_rft.datasets.category_lists import LVIS_FEWSHOT6, LVIS_NOVEL13
from verl_visual_rft.datasets.readers.cars196 import read_cars196
from verl_visual_rft.datasets.readers.coco_file import read_coco_file
from verl_visual_rft.datasets.readers.fgvc_aircraft import read_fgvc_aircraft
from verl_visual_rft.datasets.readers.flowers102 import read_flowers102
from verl_visual_rft.datasets.readers.jsonl import read_jsonl
from verl_visual_rft.datasets.readers.lvis import evaluation_questions, find_annotations, load_lvis, training_questions
from verl_visual_rft.datasets.readers.pets37 import read_pets37
from verl_visual_rft.datasets.readers.reasonseg import questions_about as grounding_questions
from verl_visual_rft.datasets.readers.reasonseg import read_reasonseg
from verl_visual_rft.datasets.readers.virft_hub import read_virft
from verl_visual_rft.errors import UserError, system_errors_are_the_users
from verl_visual_rft.miniature.originals import write_fake

Read = Callable[[Path], object]


def coco(root: Path) -> object:
    file = root / "annotations/instances_train2017.json"
    return read_coco_file(file, root / "train2017", negatives=0.2, seed=0)


def lvis(root: Path) -> object:
    splits = [load_lvis(find_annotations(root, split), root) for split in ("train", "val")]
    training_questions(splits[0], root, LVIS_FEWSHOT6, 10, seed=0, negatives=0.1)
    return evaluation_questions(splits[1], root, LVIS_NOVEL13, verified_absent=True)


def reasonseg(root: Path) -> object:
    data = read_reasonseg(root)
    return [grounding_questions(items, rule) for items in data.items.values() for rule in ("first", "union")]


def virft_hub(folder: str) -> Read:
    return lambda root: [[*split] for split in read_virft(root / folder, None).splits.values()]


def jsonl(root: Path) -> object:
    return read_jsonl({"train": root / "own.jsonl"}, "a room", "its kind", root / "train2017", None)


def write_jsonl(root: Path) -> None:
    write_fake("coco", root)
    content = json.loads((root / "annotations/instances_train2017.json").read_text())
    names = {entry["id"]: entry["name"] for entry in content["categories"]}
    files = {entry["id"]: entry["file_name"] for entry in content["images"]}
    rows: list[dict[str, Any]] = []
    for number, entry in enumerate({entry["image_id"]: entry for entry in content["annotations"]}.values()):
        x, y, width, height = entry["bbox"]
        box, name = [x, y, x + width, y + height], names[entry["category_id"]]
        asked: tuple[dict[str, Any], ...] = (
            {"task": "detection", "category": name, "boxes": [box]},
            {"task": "grounding", "instruction": f"the {name}", "box": box},
            {"task": "classification", "label": name},
        )
        rows.append({"image": files[entry["image_id"]], **asked[number % 3]})
    (root / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


#: By reader: the miniature that it reads, the files that are damaged, and what reads them.
READERS: dict[str, tuple[str, str, Read]] = {
    "coco": ("coco", "annotations/instances_train2017.json", coco),
    "lvis": ("lvis", "annotations/*.json", lvis),
    "reasonseg": ("reasonseg", "*/*.json", reasonseg),
    "flowers102": ("flowers102", "*.json", read_flowers102),
    "pets37": ("pets37", "*.json", read_pets37),
    "pets37 official": ("pets37", "annotations/*.txt", lambda root: read_pets37(root, "official")),
    "cars196": ("cars196", "*.json", read_cars196),
    "fgvc_aircraft": ("fgvc_aircraft", "fgvc-aircraft-2013b/data/*.txt", read_fgvc_aircraft),
    "virft_hub parquet": ("virft_hub", "ViRFT_COCO_8_cate_4_shot/data/*", virft_hub("ViRFT_COCO_8_cate_4_shot")),
    "virft_hub arrow": (
        "virft_hub",
        "ViRFT_CLS_flower_4_shot_saved/**/*.*",
        virft_hub("ViRFT_CLS_flower_4_shot_saved"),
    ),
    "jsonl": ("jsonl", "own.jsonl", jsonl),
    # A process of its own reads each MATLAB file, which takes a second.
    "flowers102 official": ("flowers102", "*.mat", lambda root: read_flowers102(root, "official")),
    "cars196 official": ("cars196", "**/*.mat", lambda root: read_cars196(root, "official")),
}
SLOW = {"flowers102 official", "cars196 official"}

ODD: list[Any] = [
    *(
        None,
        True,
        -1,
        0,
        1,
        2,
        10**400,
        -(10**30),
        2**63,
        0.5,
        -0.0,
        1e308,
        5e-324,
        float("nan"),
        float("inf"),
        "",
        " ",
    ),
    *("0", "-1", "NaN", "\0", "\ud800", "a" * 5000, "../../etc/passwd", "/dev/zero", "%00", "e\u0301", "<image>"),
    *([], {}, [[]], [None], [0, 0, 0, 0], [1e308] * 4, ["a"] * 4, [[1, 2]] * 3, {"counts": "abc", "size": [3, 3]}),
]


def damaged(rng: random.Random, original: bytes, suffix: str) -> bytes:
    """Change the content of JSON, or bytes of anything."""
    if suffix in (".json", ".jsonl") and rng.random() < 0.7 and is_utf8(original):  # a file of ReasonSeg is not
        return damaged_json(rng, original, suffix)
    content = bytearray(original)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        start = rng.randrange(len(content) + 1)
        end = min(len(content), start + rng.choice((0, 1, 1, 4, 30, 1000)))
        piece = bytes(content[start:end])
        content[start:end] = rng.choice(
            (b"", piece * 2, rng.randbytes(len(piece)), b"[" * 3000, b"\xff\xfe", b"9" * 400, b"\0" * 8, b"\n", b" 1 ")
        )
    return bytes(content)


def is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def damaged_json(rng: random.Random, original: bytes, suffix: str) -> bytes:
    if suffix == ".jsonl":
        lines = original.decode().splitlines()
        place = rng.randrange(len(lines))
        lines[place] = damaged_json(rng, lines[place].encode(), ".json").decode()
        return "\n".join(lines).encode()
    content = {"all": json.loads(original)}
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        holder, key = rng.choice([*places(content)])
        change = rng.randrange(4)
        if change == 0:
            del holder[key]
        elif change == 1:
            holder[key] = [holder[key], *[deepcopy(holder[key])] * rng.randrange(2)]
        elif change == 2 and isinstance(holder, list):
            holder.insert(key, deepcopy(holder[key]))
        else:
            holder[key] = deepcopy(rng.choice(ODD))
        content = {"all": content.get("all", {})}
    return json.dumps(content["all"]).encode()


def places(content: Any) -> Iterable[tuple[Any, Any]]:
    """Every place of a structure that can be changed: what holds it, and its key or position."""
    for key in [*content] if isinstance(content, dict) else range(len(content)):
        yield content, key
        if isinstance(content[key], dict | list):
            yield from places(content[key])


@pytest.fixture(scope="session")
def miniatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("originals")
    for name in sorted({name for name, _, _ in READERS.values()}):
        if name == "jsonl":
            write_jsonl(folder / name)
        else:
            write_fake(name, folder / name)
    return folder


def runs() -> Iterable[Any]:
    for name in READERS:
        yield pytest.param(name, 2 if name in SLOW else 40)
        yield pytest.param(name, 2000, marks=pytest.mark.long)


@pytest.mark.parametrize(("name", "count"), [*runs()])
def test_damaged_originals_are_read_or_refused_for_people(miniatures: Path, name: str, count: int) -> None:
    data_set, pattern, read = READERS[name]
    root = miniatures / data_set
    files = sorted(path for path in root.glob(pattern) if path.stat().st_size)
    read(root)
    rng = random.Random(f"{name} {count}")
    refused = 0
    for number in range(count):
        path = rng.choice(files)
        original = path.read_bytes()
        content = damaged(rng, original, path.suffix)
        path.write_bytes(content)
        try:
            with system_errors_are_the_users():  # as every script does
                read(root)
        except UserError as error:
            refused += 1
            assert "Traceback" not in str(error)
        except Exception as error:
            shown = content if len(content) < 3000 else traceback.format_exc()
            raise AssertionError(f"{name}, number {number}, {path.name}: {shown!r}") from error
        finally:
            path.write_bytes(original)
    assert 0 < refused, "no damage did anything"
