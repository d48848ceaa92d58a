# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Every data set prepared from its miniature; veRL's own classes load what was written."""

import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from prepared_sets import files_of, truths_of
from prepared_sets import prepared as prepared_set

import verl_visual_rft
from verl_visual_rft.datasets.commands import DATA_SETS
from verl_visual_rft.datasets.manifest import load_manifest
from verl_visual_rft.datasets.validation import validate
from verl_visual_rft.miniature.originals import write_fake
from verl_visual_rft.miniature.shapes import write_shapes

PACKAGE = Path(verl_visual_rft.__file__).parent
TINY_MODEL = PACKAGE / "miniature" / "tiny_qwen2vl"
CONFIG = PACKAGE / "training" / "config"

# What follows `visual-rft data prepare`; RAW is a folder of miniature data sets.
CASES = {
    "flowers102": "flowers102 --root RAW/flowers102 --shots 2",
    "flowers102, official": "flowers102 --root RAW/flowers102 --split official --no-think",
    "pets37": "pets37 --root RAW/pets37 --shots 4 --sampler nested --seed 1",
    "fgvc_aircraft": "fgvc_aircraft --root RAW/fgvc_aircraft --shots 2 --crop-banner",
    "cars196": "cars196 --root RAW/cars196 --shots 4",
    "coco, few-shot": "coco --root RAW/coco --shots 4 --base-categories coco-fewshot8",
    "coco, open vocabulary": "coco --root RAW/coco --rows 20 --base-categories coco-base65"
    " --novel-categories coco-novel15 --negatives 0.2 --val-negatives 0.2",
    # Rows enough that processes are started to read the pictures.
    "shapes": "coco --root RAW/shapes --rows 300",
    "lvis": "lvis --root RAW/lvis --shots 10",
    "lvis, open vocabulary": "lvis --root RAW/lvis --setting open-vocabulary",
    "mg": "mg --root RAW/mg --shots 4",
    "lisa": "lisa --root RAW/reasonseg",
    "hub, published": "virft_hub --root RAW/virft_hub/ViRFT_COCO_8_cate_4_shot",
    "hub, saved": "virft_hub --root RAW/virft_hub/ViRFT_CLS_flower_4_shot_saved",
    "custom": "custom --coco RAW/mg/annotations/instances_train.json --images RAW/mg/train --val-share 0.2",
}


EVALUATED_ONLY = "lvis, open vocabulary"
#: 300 rows, all alike.
LOADED = [pytest.param(case, marks=pytest.mark.long) if case == "shapes" else case for case in CASES]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the command of a case into a folder; data sets are written when they are first asked for."""
    raw = tmp_path_factory.mktemp("raw")

    def into(case: str, out: Path, *more: str, process: bool = False) -> None:
        for name in set(re.findall(r"RAW/(\w+)", CASES[case])):
            if (raw / name).exists():
                continue
            if name == "shapes":
                write_shapes(raw / name, train=300, val=20)
            else:
                write_fake(name, raw / name)
        arguments = CASES[case].replace("RAW", str(raw)).split()
        arguments += ["--out", str(out), "--tokenizer", str(TINY_MODEL), *more]
        if process:
            command = [sys.executable, "-m", "verl_visual_rft.cli", "data", "prepare", *arguments]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr[-4000:]
        else:
            prepared_set(*arguments)

    return into


@pytest.fixture(scope="module")
def prepared(run, tmp_path_factory):
    """Return the folder that a case wrote with one worker, run when it is first asked for."""
    folder = tmp_path_factory.mktemp("prepared")

    def folder_of(case: str) -> Path:
        if not (folder / case).exists():
            run(case, folder / case, "--workers", "1")
        return folder / case

    return folder_of


@pytest.fixture(scope="module")
def verl_model(tmp_path_factory):
    """Return tokenizer and processor of the tiny model, and let `datasets` write where pytest cleans up."""
    pytest.importorskip("verl")
    import datasets
    from verl.utils import hf_processor, hf_tokenizer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("datasets"))
        yield hf_tokenizer(str(TINY_MODEL)), hf_processor(str(TINY_MODEL))


@pytest.fixture(scope="module")
def prompt_tokens(verl_model):
    """Return, for a parquet file, how many tokens veRL's agent loop makes of each row of `RLHFDataset`."""
    from omegaconf import OmegaConf
    from verl.utils.dataset.rl_dataset import RLHFDataset
    from verl.utils.tokenizer.continuous_token_wiring import create_continuous_token_builder

    tokenizer, processor = verl_model
    config = OmegaConf.load(CONFIG / "visual_rft.yaml").data
    builder = create_continuous_token_builder(tokenizer, hf_model_type="qwen2_vl", processor=processor)

    def count(path: Path) -> list[int]:
        dataset = RLHFDataset(str(path), tokenizer, config, processor)
        lengths = []
        for i in range(len(dataset)):
            messages = dataset[i]["raw_prompt"]
            images, _, _ = RLHFDataset._process_multi_modal_info(messages, dataset.image_patch_size, config)
            lengths.append(len(builder.build_initial_tokens(messages, images=images)))
        return lengths

    return count


@pytest.fixture(scope="module")
def trained_texts(verl_model):
    """Return, for a parquet file, the text that `MultiTurnSFTDataset` trains on in each row."""
    from omegaconf import OmegaConf
    from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset

    tokenizer, processor = verl_model
    config = OmegaConf.load(CONFIG / "visual_sft.yaml").data

    def texts(path: Path) -> list[str]:
        rows = MultiTurnSFTDataset(str(path), tokenizer, config, processor)
        trained = (row["input_ids"][row["loss_mask"].bool()] for row in (rows[i] for i in range(len(rows))))
        return [tokenizer.decode(tokens, skip_special_tokens=True).strip() for tokens in trained]

    return texts


def rft_files(folder):
    return sorted(path for path in folder.glob("*.parquet") if path.name != "sft_train.parquet")


def test_every_data_set_has_a_case():
    assert {*DATA_SETS} - {"shapes"} == {command.split()[0] for command in CASES.values()}


#: Of every change: a set for each of the paper's tasks.
IN_PARTS = ("flowers102", "coco, open vocabulary", "lisa")


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.long] * (case not in IN_PARTS)) for case in CASES]
)
def test_another_run_with_two_workers_writes_the_same_bytes(case, prepared, run, tmp_path):
    """Those whose workers are processes of their own run in a process of their own as well."""
    run(case, tmp_path, "--workers", "2", process=case == "shapes")
    assert files_of(tmp_path) == files_of(prepared(case))


@pytest.mark.slow
def test_a_second_run_replaces_what_the_first_wrote(prepared, run, tmp_path):
    run("cars196", tmp_path, "--seed", "5")
    assert files_of(tmp_path) != files_of(prepared("cars196"))
    run("cars196", tmp_path)
    assert files_of(tmp_path) == files_of(prepared("cars196"))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_validation_finds_nothing(case, prepared):
    paths = sorted(prepared(case).glob("*.parquet"))
    assert paths
    assert [validate([path], max_prompt_tokens=1024) for path in paths] == [[]] * len(paths)


@pytest.mark.slow
@pytest.mark.parametrize("case", LOADED)
def test_verl_loads_every_row_and_sends_the_recorded_number_of_tokens(case, prepared, prompt_tokens):
    paths = rft_files(prepared(case))
    assert paths
    for path in paths:
        extra = pq.read_table(path, columns=["extra_info"])["extra_info"].to_pylist()
        assert prompt_tokens(path) == [row["prompt_tokens"] for row in extra]


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in LOADED if case != EVALUATED_ONLY])
def test_verl_trains_on_the_answer_of_every_sft_row(case, prepared, trained_texts):
    path = prepared(case) / "sft_train.parquet"
    answers = [messages[-1]["content"] for messages in pq.read_table(path)["messages"].to_pylist()]
    assert trained_texts(path) == answers


@pytest.mark.slow
def test_nothing_is_trained_where_only_an_evaluation_is_asked_for(prepared):
    assert not (prepared(EVALUATED_ONLY) / "sft_train.parquet").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "shots", "rows"), [("lvis", 10, 49), ("mg", 4, 20)])
def test_negatives_are_added_to_the_rows_of_the_shots(name, shots, rows, tmp_path):
    write_fake(name, tmp_path / "raw")
    source = ("--root", tmp_path / "raw", "--shots", shots)
    prepared_set(name, *source, "--out", tmp_path / "with", "--negatives", "0.2")
    prepared_set(name, *source, "--out", tmp_path / "without")
    with_negatives, without = (truths_of(tmp_path / folder / "train.parquet") for folder in ("with", "without"))
    assert len([truth for truth in with_negatives if truth["boxes"]]) == len(without) == rows
    assert len(with_negatives) - rows == round(rows / 4)
    assert load_manifest(tmp_path / "with")["selection"]["negatives"] == 0.2
    assert files_of(tmp_path / "with")["val.parquet"] == files_of(tmp_path / "without")["val.parquet"]
