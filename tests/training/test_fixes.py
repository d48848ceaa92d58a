# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

from tensordict import TensorDict  # noqa: E402

from verl_visual_rft.coordinates import FAMILIES  # noqa: E402
from verl_visual_rft.training.fixes import ragged_over_length  # noqa: E402
from verl_visual_rft.training.tiny_model import build_tiny_model  # noqa: E402
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
