# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Steps of GRPO on rows that name their pictures are those on rows that hold them."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("verl")

from tiny_steps import PROMPTS, ROLLOUTS, STEPS, make_policy, make_rows, steps_by_verl  # noqa: E402
from transformers import AutoModelForImageTextToText, AutoProcessor  # noqa: E402

from verl_visual_rft.miniature.tiny_model import build_tiny_model  # noqa: E402
from verl_visual_rft.training.engine.vision_tower import PicturesOnce, repeats  # noqa: E402

MICRO_BATCHES = PROMPTS  # tiny_steps: 4 rows each in updates, which are a group; 6 in passes without gradient


@pytest.fixture(scope="module")
def policy_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("policy")
    make_policy(folder)
    return folder


def run(folder, policy, *overrides, apart):
    rows, pictures = make_rows(), {}
    if apart:
        for row in rows:
            name = f"1-{row['uid']}"
            pictures[name] = row["pixel_values"]
            row |= {"pixel_values": None, "pictures": [name]}
    return steps_by_verl(folder, policy, rows, *overrides, own_log_probs=True, pictures=pictures)


@pytest.fixture(scope="module")
def plain(tmp_path_factory, policy_folder):
    return run(tmp_path_factory.mktemp("plain"), policy_folder, apart=False)


@pytest.fixture(scope="module")
def once(tmp_path_factory, policy_folder):
    return run(tmp_path_factory.mktemp("once"), policy_folder, apart=True)


@pytest.mark.slow
def test_losses_gradients_and_weights_are_those_of_a_picture_for_every_row(plain, once):
    for wanted, found in zip(plain["steps"], once["steps"], strict=True):
        for name in ("loss", "kl_loss", "grad_norm", "actor/pg_loss"):
            assert found["metrics"][name] == pytest.approx(wanted["metrics"][name], rel=1e-6, abs=1e-6), name
    for name, weight in plain["weights"].items():
        torch.testing.assert_close(once["weights"][name], weight, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
def test_the_tower_sees_each_picture_of_a_micro_batch_once(plain, once):
    assert plain["seen"]["actor"] == [ROLLOUTS] * MICRO_BATCHES * STEPS
    assert once["seen"]["actor"] == [1] * MICRO_BATCHES * STEPS
    assert once["seen"]["ref"] == [2, 2] * STEPS  # six rows: a group and half of the next
    assert [step["metrics"]["tower_passes_per_picture"] for step in once["steps"]] == [[1.0]] * STEPS
    assert "tower_passes_per_picture" not in plain["steps"][0]["metrics"]


@pytest.fixture(scope="module")
def dynamic(tmp_path_factory, policy_folder):
    """Batches by length, that hold more than a group and less than two."""
    lengths = [len(row["prompt_ids"]) + len(row["response_ids"]) for row in make_rows()]
    of_groups = [sum(lengths[start : start + ROLLOUTS]) for start in range(0, len(lengths), ROLLOUTS)]
    most_tokens = max(of_groups) + min(lengths)
    assert most_tokens < 2 * min(of_groups)
    settings = [f"actor.{name}" for name in ("use_dynamic_bsz=true", f"ppo_max_token_len_per_gpu={most_tokens}")]
    overrides = [f"actor_rollout_ref.{setting}" for setting in settings]
    return run(tmp_path_factory.mktemp("dynamic"), policy_folder, *overrides, apart=True)


@pytest.mark.slow
def test_batches_by_length_do_not_tear_a_group_apart(dynamic, plain):
    assert dynamic["seen"]["actor"] == dynamic["seen"]["ref"] == [1] * PROMPTS * STEPS
    for wanted, found in zip(plain["steps"], dynamic["steps"], strict=True):
        assert found["metrics"]["tower_passes_per_picture"] == [1.0]
        for name in ("loss", "kl_loss", "grad_norm"):
            assert sum(flat(found["metrics"][name])) == pytest.approx(sum(flat(wanted["metrics"][name])), rel=1e-5), (
                name
            )
    for name, weight in plain["weights"].items():
        torch.testing.assert_close(dynamic["weights"][name], weight, rtol=1e-5, atol=1e-6)


def flat(value):
    return value if isinstance(value, list) else [value]


@pytest.mark.slow
def test_pixel_values_are_read_once_for_actor_and_reference(once):
    assert sorted(once["reads"]) == [f"1-prompt{i}" for i in range(PROMPTS)]


class Engine(PicturesOnce):
    def __init__(self, module):
        self.module = module


@pytest.mark.slow
@pytest.mark.parametrize("family", ["qwen2-vl", "qwen2.5-vl", "qwen3-vl"])
def test_features_and_gradients_of_every_family_are_those_of_repeated_pictures(family, tmp_path, pictures):
    """Through veRL's own ``_get_input_embeds``, deepstack features of Qwen3-VL included.

    In double precision: sums in another order differ by more than the tolerance in single precision now and then.
    """
    from verl.models.transformers import qwen2_vl, qwen3_vl

    build_tiny_model(tmp_path, family=family)
    model = AutoModelForImageTextToText.from_pretrained(tmp_path, dtype=torch.float64)
    output = AutoProcessor.from_pretrained(tmp_path).image_processor(images=pictures, return_tensors="pt")
    grids, rows = output["image_grid_thw"], [1, 0, 1, 1, 0]
    pixels = output["pixel_values"].double().split(grids.prod(-1).tolist())
    engine = Engine(model)
    sizes = engine._features(grids)
    tokens = torch.cat([torch.tensor([5] + [model.config.image_token_id] * sizes[row] + [6]) for row in rows])
    embed = (qwen3_vl if family == "qwen3-vl" else qwen2_vl)._get_input_embeds

    def outcome(pixel_values, grid):
        embedded = embed(model.model, tokens.unsqueeze(0), None, pixel_values, None, grid, None)
        features = (
            [embedded["inputs_embeds"], *embedded["deepstack_visual_embeds"]] if family == "qwen3-vl" else [embedded[0]]
        )
        weights = torch.Generator().manual_seed(0)
        sum((f * torch.randn(f.shape, generator=weights)).sum() for f in features).backward()
        gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None and "visual" in n}
        model.zero_grad()
        return features, gradients

    expected = outcome(torch.cat([pixels[row] for row in rows]), grids[rows])
    engine._hook_tower()
    engine._repeats = repeats(rows, sizes)
    found = outcome(torch.cat(pixels), grids)
    assert found[1].keys() == expected[1].keys()
    for one, other in zip(found[0], expected[0], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
    for name, gradient in expected[1].items():
        torch.testing.assert_close(found[1][name], gradient, rtol=1e-4, atol=1e-6 * gradient.abs().max().item())
    assert engine._repeats is None  # of one call only
