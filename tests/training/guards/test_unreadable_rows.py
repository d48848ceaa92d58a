# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("verl", reason="verl is not installed")

from omegaconf import OmegaConf  # noqa: E402
from PIL import Image  # noqa: E402
from verl.utils import hf_processor, hf_tokenizer  # noqa: E402
from verl.utils.dataset.rl_dataset import RLHFDataset  # noqa: E402

from verl_visual_rft.errors import UserError  # noqa: E402
from verl_visual_rft.training.pretraining import TINY_MODEL  # noqa: E402


def test_a_picture_that_is_none_is_named_by_its_file_and_row(tmp_path):
    picture = io.BytesIO()
    Image.new("RGB", (56, 56)).save(picture, "PNG")
    rows = [
        {"prompt": [{"role": "user", "content": "<image>Where?"}], "images": [{"bytes": content}]}
        for content in (picture.getvalue(), b"no picture")
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    config = OmegaConf.create({"image_key": "images", "cache_dir": str(tmp_path), "filter_overlong_prompts": False})
    model = str(TINY_MODEL)
    dataset = RLHFDataset(str(tmp_path / "train.parquet"), hf_tokenizer(model), config, hf_processor(model))
    assert dataset[0]["raw_prompt"]
    with pytest.raises(
        UserError, match=r"train.parquet: row 1 cannot be read \(UnidentifiedImageError: .*data validate"
    ):
        dataset[1]
