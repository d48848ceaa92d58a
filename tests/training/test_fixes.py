# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

from tensordict import TensorDict  # noqa: E402

from verl_visual_rft.coordinates import FAMILIES  # noqa: E402
from verl_visual_rft.miniature.tiny_model import build_tiny_model  # noqa: E402
from verl_visual_rft.training.fixes import ragged_over_length, remove_weight_sockets  # noqa: E402
from verl_visual_rft.training.run_mark import RUN_MARK  # noqa: E402
from verl_visual_rft.vision_tokens import VISION_TOKENS  # noqa: E402


def position_ids(length: int, start: int) -> "torch.Tensor":
    return torch.arange(4 * length).view(4, length) + start


def test_equal_lengths_packed_over_the_rope_axis_are_rebuilt():
    rows = [position_ids(5, 0), position_ids(5, 100), position_ids(5, 200)]
    packed = torch.nested.as_nested_tensor(rows, layout=torch.jagged)  # as TransferQueue packs rows of one shape
    assert packed.values().shape == (12, 5)

    rebuilt = ragged_over_length(packed)

    assert rebuilt.values().shape == (4, 15)
    assert rebuilt.offsets().tolist() == [0, 5, 10, 15]
    for row, expected in zip(rebuilt.unbind(), rows, strict=True):
        assert torch.equal(row, expected)


def test_different_lengths_are_left_alone():
    values = torch.cat([position_ids(5, 0), position_ids(3, 100)], dim=1)
    ragged = torch.nested.nested_tensor_from_jagged(values, torch.tensor([0, 5, 8]), jagged_dim=2)
    assert ragged_over_length(ragged) is ragged


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_verl_can_split_a_batch_of_equal_lengths(batch):
    """Fails without the fix: verl's own function leaves the rows packed over the rope axis."""
    from verl.utils.tensordict_utils import maybe_fix_3d_position_ids

    rows = [position_ids(64, 1000 * i) for i in range(batch)]
    data = TensorDict({"position_ids": torch.nested.as_nested_tensor(rows, layout=torch.jagged)}, batch_size=[batch])

    maybe_fix_3d_position_ids(data)

    assert [tuple(row.shape) for row in data["position_ids"].unbind()] == [(4, 64)] * batch
    assert torch.equal(data["position_ids"].unbind()[-1], rows[-1])


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def family_folder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    build_tiny_model(folder, family=request.param)
    return folder


@pytest.mark.slow
def test_no_vision_token_can_be_sampled_in_rollouts(family_folder):
    """Fails without the fix: veRL's own list has two of the five. The mask is the one that veRL gives vLLM's model."""
    from transformers import AutoProcessor
    from verl.workers.rollout.utils import get_vision_placeholder_token_ids

    processor = AutoProcessor.from_pretrained(family_folder)
    tokenizer = processor.tokenizer
    banned = get_vision_placeholder_token_ids(processor)
    assert tokenizer.convert_ids_to_tokens(banned) == sorted(VISION_TOKENS, key=tokenizer.get_vocab().get)

    from verl.workers.rollout.vllm_rollout.utils import monkey_patch_compute_logits

    class Model:
        def compute_logits(self, hidden):
            return hidden

    model = Model()
    monkey_patch_compute_logits(model, len(tokenizer), banned)
    logits = model.compute_logits(torch.zeros(3, len(tokenizer)))
    never = sorted(set(logits[0].isinf().nonzero().flatten().tolist()))
    assert never == banned


def test_a_text_only_model_bans_nothing():
    from verl.workers.rollout.utils import get_vision_placeholder_token_ids

    assert get_vision_placeholder_token_ids(None) == []


@pytest.mark.slow
def test_text_without_pictures_is_embedded_and_reaches_the_tower(family_folder):
    """Fails without the fix for the first two families: "... has no attribute 'mean'". Qwen3-VL's own is sound."""
    from transformers import AutoModelForImageTextToText
    from verl.models.transformers import qwen2_vl, qwen3_vl

    model = AutoModelForImageTextToText.from_pretrained(family_folder, dtype=torch.float32).model
    tokens = torch.arange(5, 12).unsqueeze(0)
    if model.config.model_type == "qwen3_vl":
        embedded = qwen3_vl._get_input_embeds(model, tokens)["inputs_embeds"]
    else:
        embedded, _ = qwen2_vl._get_input_embeds(model, tokens, attention_mask=None)
    assert torch.equal(embedded, model.get_input_embeddings()(tokens))
    embedded.sum().backward()
    gradients = [parameter.grad for parameter in model.visual.parameters()]
    assert all(gradient is not None and not gradient.any() for gradient in gradients)


NODES = ("a1" * 28, "b2" * 28)  # of two Ray clusters on one machine; the first job of each has the same id


@pytest.mark.slow
def test_two_clusters_on_a_machine_send_weights_through_sockets_of_their_own(tmp_path, monkeypatch):
    """Fails without the fix: both send through one socket in /tmp. A kill leaves it, and the launcher removes it."""
    import ray
    from verl.utils.device import get_visible_devices_keyword
    from verl.workers.rollout.base import BaseRollout
    from verl.workers.rollout.vllm_rollout.utils import vLLMColocateWorkerExtension
    from verl.workers.rollout.vllm_rollout.vllm_async_server import vLLMHttpServer
    from verl.workers.rollout.vllm_rollout.vllm_rollout import ServerAdapter

    sizes = dict.fromkeys(["tensor_model_parallel_size", "data_parallel_size", "pipeline_model_parallel_size"], 1)
    config = SimpleNamespace(**sizes, layered_summon=True, full_determinism=False, profiler=None)
    monkeypatch.setattr(BaseRollout, "__init__", lambda adapter, *_: setattr(adapter, "config", config))
    monkeypatch.setattr(vLLMHttpServer, "_init_config", lambda *_: config)
    for step in ("_init_model_config", "_validate_configs", "_post_init"):
        monkeypatch.setattr(vLLMHttpServer, step, lambda *_: None)
    for name, value in {"RANK": "0", "RAY_LOCAL_WORLD_SIZE": "1", RUN_MARK: str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    for name in ("VERL_RAY_JOB_ID", "VERL_REPLICA_RANK", get_visible_devices_keyword()):
        monkeypatch.setenv(name, "")  # what the server sets is taken back
    sockets = []
    for node in NODES:
        cluster = SimpleNamespace(get_job_id=lambda: "01000000", get_node_id=lambda node=node: node)
        monkeypatch.setattr(ray, "get_runtime_context", lambda cluster=cluster: cluster)
        vLLMHttpServer(None, None, None, [], 0, 0, 1, 1, "")
        worker = SimpleNamespace(model_runner=None, local_rank=0)
        received = vLLMColocateWorkerExtension._get_zmq_handle(worker)
        sockets.append((ServerAdapter(config, None, None).zmq_handle, received))
    (ours, received), (others, _) = sockets
    assert ours == received
    assert ours != others

    left = [Path(socket.removeprefix("ipc://")) for socket in (ours, others)]
    for socket in left:
        socket.touch()
    remove_weight_sockets(tmp_path / "another")
    assert all(socket.exists() for socket in left)
    remove_weight_sockets(tmp_path)
    assert not any(socket.exists() for socket in left)
