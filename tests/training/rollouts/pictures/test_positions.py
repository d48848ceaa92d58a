# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Position ids of a response, continued, against those that the model itself computes about prompt and response."""

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

from verl.experimental.agent_loop.agent_loop import AgentLoopWorker  # noqa: E402
from verl.utils import hf_processor  # noqa: E402
from verl.utils.model import compute_position_id_with_mask  # noqa: E402

from verl_visual_rft.miniature.tiny_model import build_tiny_model  # noqa: E402
from verl_visual_rft.training.rollouts.pictures.positions import extend_position_ids  # noqa: E402


def test_without_pictures_positions_count_on():
    mask = torch.tensor([[0, 0, 1, 1, 1, 1, 1]])
    expected = compute_position_id_with_mask(mask)
    assert torch.equal(extend_position_ids(expected[:, :4], 3), expected)


@pytest.mark.parametrize("family", ["qwen2-vl", "qwen2.5-vl", "qwen3-vl"])
def test_after_a_picture_positions_are_those_of_every_family(family, tmp_path, pictures):
    """Through veRL's own ``_compute_position_ids``."""
    build_tiny_model(tmp_path, family=family)
    processor = hf_processor(str(tmp_path))
    worker = SimpleNamespace(processor=processor)
    content = [{"type": "image"}, {"type": "text", "text": "where"}, {"type": "image"}, {"type": "text", "text": "?"}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    inputs = dict(processor(text=[text], images=pictures, return_tensors="pt"))
    prompt = inputs["input_ids"]
    tokens = torch.cat([prompt, torch.tensor([[7, 8, 9, 10]])], dim=1)

    def computed(ids):
        return AgentLoopWorker._compute_position_ids(worker, ids, torch.ones_like(ids), dict(inputs))

    assert torch.equal(extend_position_ids(computed(prompt), 4), computed(tokens))
