# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""That the training benchmark compares like with like, and counts what it says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "training"
pytest.importorskip("verl")


@pytest.fixture(autouse=True)
def _benchmark_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARK))


def _leaves(config, prefix=""):
    for key, value in config.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _configuration(name):
    """The configuration that a contestant's command line gives."""
    from contestants import CONTESTANTS, Setting
    from hydra import compose, initialize_config_module
    from omegaconf import OmegaConf
    from workload import WORKLOADS

    folder = Path("folder")
    setting = Setting(folder, folder / "rows", folder / "model", WORKLOADS["pictures"], 6, Path(sys.executable))
    command = CONTESTANTS[name].command(setting, folder)
    at = command.index("--config-path")
    with initialize_config_module(command[at + 1].removeprefix("pkg://"), version_base=None):
        return dict(_leaves(OmegaConf.to_container(compose(command[at + 3], command[at + 4 :]), resolve=False)))


#: What is called differently and is the same: our classes, AdamW's own epsilon, an epsilon that `grpo` does not read,
#: and the limit of dynamic batches, which a CPU has not.
_ALIKE = ("_target_", ".freeze_vision", ".use_orig_params", ".eps", ".grpo_epsilon", ".val_batch_size")
_ALIKE += (".ppo_max_token_len_per_gpu",)
_OURS = (".agent.", ".custom_cls.")


def test_the_algorithm_of_plain_verl_and_ours_is_the_same():
    """They may differ in what the plug-in is (loops, data set, reward manager, trainer), not in what is computed."""
    plain, ours = _configuration("plain"), _configuration("ours")
    for name in plain.keys() | ours.keys():
        if name.startswith(("actor_rollout_ref.", "algorithm.", "data.")) and not any(part in name for part in _OURS):
            assert plain.get(name) == ours.get(name) or name.endswith(_ALIKE), name


def test_a_random_model_never_ends_its_response_nor_emits_an_image(tmp_path):
    import torch
    from models import build_model
    from transformers import AutoTokenizer, Qwen2VLForConditionalGeneration

    build_model(tmp_path, "0.6M")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    model = Qwen2VLForConditionalGeneration.from_pretrained(tmp_path)
    inputs = torch.randint(len(tokenizer), (16, 8), generator=torch.manual_seed(0))
    inputs[torch.isin(inputs, torch.tensor(tokenizer.all_special_ids))] = 0
    with torch.no_grad():
        likeliest = torch.softmax(model(input_ids=inputs).logits, -1)[..., tokenizer.all_special_ids].max()
    assert likeliest < 1e-12
    written = model.generate(input_ids=inputs, do_sample=True, top_k=0, max_new_tokens=32)
    assert written.shape == (16, 40)
    assert len(written[:, 8:].unique()) > 100  # and is not stuck at one token


COUNTED = """
import instrument, torch
from transformers import AutoImageProcessor, Qwen2VLImageProcessor
from PIL import Image
from transfer_queue.utils.zmq_utils import ZMQMessage, ZMQRequestType
from verl_visual_rft.rewards import score

picture = Image.new("RGB", (56, 56))
Qwen2VLImageProcessor()([picture, picture], return_tensors="pt")
body = {"data": {"pixel_values": torch.zeros(1000)}}
message = ZMQMessage.create(ZMQRequestType.PUT_DATA, "a", body)
message.serialize()
ZMQMessage.create(ZMQRequestType.PUT_DATA_RESPONSE, "a", body).serialize()
ZMQMessage.deserialize(ZMQMessage.create(ZMQRequestType.GET_DATA_RESPONSE, "a", body).serialize())
same, other = (score("detection", text, {"boxes": []}, "robust")["score"] for text in ("one", "two"))
assert same != other
instrument.record("batch")
instrument.record("step", step=1, data={"timing_s/gen": 1.0})
"""


@pytest.mark.long
def test_calls_and_bytes_are_counted_in_the_step_they_belong_to(tmp_path):
    from turn import read_steps

    path = os.pathsep.join(map(str, (BENCHMARK / "in_workers", BENCHMARK.parents[1])))
    environment = os.environ | {"BENCHMARK_EVENTS": str(tmp_path), "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", COUNTED], env=environment, check=True)
    later = {"t": 1e12, "event": "step", "step": 2, "data": {"timing_s/gen": 1.0}}
    (tmp_path / "another_process.jsonl").write_text(json.dumps(later))
    first, second = read_steps(tmp_path)
    assert first.processed_pictures == 2
    assert 4000 < first.put_bytes < 5000  # 1000 numbers of 4 bytes and their names
    assert 4000 < first.read_bytes < 5000
    assert 0 < first.idle < 10
    assert second.idle is None
    assert (second.processed_pictures, second.put_bytes, second.read_bytes) == (0, 0, 0)
