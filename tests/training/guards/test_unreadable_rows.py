# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("verl", reason="verl is not installed")

from hydra import compose, initialize_config_module  # noqa: E402
from omegaconf import open_dict  # noqa: E402
from PIL import Image  # noqa: E402
from verl.trainer.sft_trainer import create_sft_dataset  # noqa: E402
from verl.utils import hf_processor, hf_tokenizer  # noqa: E402
from verl.utils.dataset.rl_dataset import get_dataset_class  # noqa: E402

from verl_visual_rft.errors import UserError  # noqa: E402
from verl_visual_rft.miniature.pretraining import TINY_MODEL  # noqa: E402


def grpo_dataset(file, config, tokenizer, processor):
    return get_dataset_class(config)(str(file), tokenizer, config, processor)


def sft_dataset(file, config, tokenizer, processor):
    return create_sft_dataset(str(file), config, tokenizer, processor)


@pytest.mark.parametrize(("name", "dataset"), [("visual_rft", grpo_dataset), ("visual_sft", sft_dataset)])
def test_a_picture_that_is_none_is_named_by_its_file_and_row(tmp_path, name, dataset):
    picture = io.BytesIO()
    Image.new("RGB", (56, 56)).save(picture, "PNG")
    question, answer = {"role": "user", "content": "<image>Where?"}, {"role": "assistant", "content": "There."}
    rows = [
        {"prompt": [question], "messages": [question, answer], "images": [{"bytes": content}]}
        for content in (picture.getvalue(), b"no picture")
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    with initialize_config_module("verl_visual_rft.training.config", version_base=None):
        config = compose(name).data
    with open_dict(config):
        config.cache_dir = str(tmp_path)
    model = str(TINY_MODEL)
    made = dataset(tmp_path / "train.parquet", config, hf_tokenizer(model), hf_processor(model))
    assert made[0]
    with pytest.raises(
        UserError, match=r"train.parquet: row 1 cannot be read \(UnidentifiedImageError: .*data validate"
    ):
        made[1]
