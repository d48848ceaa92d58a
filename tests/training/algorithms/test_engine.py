# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""A frozen vision tower and the linear schedule, in veRL's own engine."""

import os
import socket

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

from tiny_steps import load, steps_by_verl  # noqa: E402

from verl_visual_rft.errors import UserError  # noqa: E402
from verl_visual_rft.miniature.pretraining import TINY_MODEL  # noqa: E402
from verl_visual_rft.training.algorithms.engine import freeze_vision_tower  # noqa: E402


@pytest.mark.slow
def test_the_frozen_tower_is_the_same_to_the_bit_after_two_steps_and_all_else_has_changed(
    tmp_path, policy_folder, rows
):
    weights = steps_by_verl(tmp_path, policy_folder, rows, "visual_rft.freeze_vision=true")["weights"]
    before = load(policy_folder).state_dict()
    tower = {name for name in before if ".visual." in name}
    assert tower
    same = {name for name, value in before.items() if torch.equal(value, weights[name])}
    assert same == tower


def test_what_is_frozen_is_the_tower_with_its_merger():
    model = load(TINY_MODEL)
    n_frozen = freeze_vision_tower(model)
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert frozen == {name for name, _ in model.named_parameters() if name.startswith("model.visual.")}
    assert any("merger" in name for name in frozen)
    assert n_frozen == sum(parameter.numel() for parameter in model.model.visual.parameters())


def test_adapters_of_the_tower_are_frozen_with_it():
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(load(TINY_MODEL), LoraConfig(r=2, target_modules="all-linear"))
    freeze_vision_tower(model)
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert trained
    assert not any(".visual." in name for name in trained)


def test_a_model_without_a_tower_is_refused():
    with pytest.raises(UserError, match="Linear has no vision tower"):
        freeze_vision_tower(torch.nn.Linear(2, 2))


@pytest.fixture
def one_rank():
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    torch.distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("use_orig_params", [True, False])
def test_fsdp1_freezes_with_the_parameters_own_tensors_only(one_rank, use_orig_params):
    """Why the configuration sets use_orig_params with freeze_vision; veRL's own wrapping of FSDP1 needs a GPU."""
    os.environ.setdefault("VERL_PLATFORM", "cpu")
    from torch.distributed.fsdp import FullyShardedDataParallel
    from verl.utils.fsdp_utils import get_fsdp_wrap_policy

    model = load(TINY_MODEL)
    before = {name: value.clone() for name, value in model.named_parameters()}
    freeze_vision_tower(model)
    policy = get_fsdp_wrap_policy(model, config={"min_num_params": 0})
    settings = {"auto_wrap_policy": policy, "use_orig_params": use_orig_params, "device_id": torch.device("cpu")}
    if not use_orig_params:
        with pytest.raises(ValueError, match="uniform"):
            FullyShardedDataParallel(model, **settings)
        return
    model = FullyShardedDataParallel(model, **settings)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(2):
        model(input_ids=torch.arange(32, 64).unsqueeze(0)).logits.square().mean().backward()
        model.clip_grad_norm_(1.0)
        optimizer.step()
    after = {name.replace("_fsdp_wrapped_module.", ""): value for name, value in model.named_parameters()}
    for name, value in before.items():
        changed = not torch.equal(after[name].view(-1), value.view(-1))
        assert changed == (not name.startswith("model.visual.")), name


@pytest.mark.slow
@pytest.mark.parametrize(("device", "vendor"), [("cuda", "nvidia"), ("cuda", "amd"), ("cpu", "cpu")])
@pytest.mark.parametrize("strategy", ["fsdp", "fsdp2"])
def test_veRL_finds_our_engine_first(device, vendor, strategy, monkeypatch):
    from verl.workers.engine import EngineRegistry

    monkeypatch.setenv("VERL_ENGINE_DEVICE", device)
    monkeypatch.setenv("VERL_ENGINE_VENDOR", vendor)
    assert EngineRegistry.get_engine_cls("language_model", strategy).__name__ == "VisualRFTEngine"
