# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The count of activations against the tensors that autograd saves in a real Qwen2-VL."""

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from verl_visual_rft.planning.activations import count_activations  # noqa: E402
from verl_visual_rft.planning.models import parse_model  # noqa: E402

SMALL = {"width": 256, "inner": 768, "layers": 2, "heads": 8, "kv_heads": 2, "tower": 128, "blocks": 2}
LARGER = {"width": 512, "inner": 1536, "layers": 6, "heads": 8, "kv_heads": 4, "tower": 256, "blocks": 4}
IMAGE, BEGIN, END = 5, 6, 7


def build(size):
    part = size["width"] // size["heads"] // 8
    config = transformers.Qwen2VLConfig(
        text_config={
            "hidden_size": size["width"],
            "intermediate_size": size["inner"],
            "num_hidden_layers": size["layers"],
            "num_attention_heads": size["heads"],
            "num_key_value_heads": size["kv_heads"],
            "vocab_size": 512,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2 * part, part, part]},
        },
        vision_config={
            "depth": size["blocks"],
            "embed_dim": size["tower"],
            "num_heads": 4,
            "hidden_size": size["width"],
            "patch_size": 14,
        },
        tie_word_embeddings=True,
        image_token_id=IMAGE,
        vision_start_token_id=BEGIN,
        vision_end_token_id=END,
        attn_implementation="sdpa",
    )
    torch.manual_seed(0)
    return transformers.Qwen2VLForConditionalGeneration(config)


def saved_bytes(model, inputs):
    """Bytes of the storages that autograd saves, without weights and inputs."""
    known = [*model.parameters(), *model.buffers(), *inputs.values()]
    found = {tensor.untyped_storage().data_ptr(): None for tensor in known}

    def keep(tensor):
        storage = tensor.untyped_storage()
        found.setdefault(storage.data_ptr(), storage)  # held, so that no address is used twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(**inputs, use_cache=False)
    return sum(storage.nbytes() for storage in found.values() if storage is not None)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize(
    ("size", "tokens", "side", "dtype", "least", "most"),
    [
        (SMALL, 200, 16, torch.float32, 0.98, 1.01),
        (SMALL, 200, 16, torch.bfloat16, 1.0, 1.07),
        (LARGER, 700, 32, torch.float32, 0.98, 1.01),
        pytest.param(LARGER, 700, 32, torch.bfloat16, 1.0, 1.07, marks=pytest.mark.long),  # slow on a CPU
    ],
)
def test_the_count_is_what_autograd_saves(size, tokens, side, checkpointing, dtype, least, most):
    """In bf16 the count is above: it has the fp32 norms of CUDA's autocast, which a CPU has not."""
    model = build(size).to(dtype).train()
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    ids = torch.randint(20, 500, (1, tokens))
    visual = side**2 // 4
    ids[0, 10], ids[0, 11 : 11 + visual], ids[0, 11 + visual] = BEGIN, IMAGE, END
    inputs = {
        "input_ids": ids,
        "position_ids": torch.arange(tokens).expand(3, 1, tokens).contiguous(),
        "pixel_values": torch.randn(side**2, 3 * 2 * 14**2, dtype=dtype),
        "image_grid_thw": torch.tensor([[1, side, side]]),
    }
    shape = parse_model("built here", model.config.to_dict())
    counted = count_activations(shape, tokens, side**2, dtype.itemsize, checkpointing)
    measured = saved_bytes(model, inputs)
    assert least <= (counted.decoder + counted.tower) / measured <= most


def test_a_frozen_tower_keeps_nothing():
    shape = parse_model("built here", build(SMALL).config.to_dict())
    counted = count_activations(shape, 200, 256, 2, checkpointing=True, frozen_tower=True)
    assert counted.tower == 0
    assert counted.recomputed > 0
