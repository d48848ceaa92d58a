# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""docs/fidelity.md says what the configuration is."""

import dataclasses
from importlib.resources import files

import pytest

hydra = pytest.importorskip("hydra")
pytest.importorskip("verl")

import yaml  # noqa: E402
from fidelity_page import differences, stated  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402

from verl_visual_rft.datasets.prepare import PrepareOptions  # noqa: E402


def composed(*overrides: str):
    with hydra.initialize_config_module("verl_visual_rft.training.config", version_base=None):
        return hydra.compose("visual_rft", list(overrides))


def test_the_default_configuration_is_what_the_page_says():
    assert differences(composed()) == []


def test_a_recipe_differs_by_steps_and_rollouts_alone():
    assert differences(composed("trainer.total_training_steps=200", "actor_rollout_ref.rollout.n=4"), recipe=True) == []
    found = differences(composed("trainer.total_training_steps=100", "actor_rollout_ref.rollout.n=16"), recipe=True)
    assert [text.split(" is ")[0] for text in found] == ["actor_rollout_ref.rollout.n", "trainer.total_training_steps"]


@pytest.mark.parametrize(
    "override", ["actor_rollout_ref.actor.optim.lr=2e-6", "algorithm.grpo_epsilon=1e-6", "algo=dapo"]
)
def test_a_departure_is_found(override):
    assert differences(composed(override))


def test_every_value_of_the_algorithm_is_on_the_page():
    file = files("verl_visual_rft.training.config") / "algo" / "paper.yaml"
    tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert leaves(tree) - set(stated("The configuration")) == set()


def leaves(node, prefix=""):
    if not isinstance(node, dict):
        return {prefix}
    return set().union(*(leaves(child, f"{prefix}.{key}".lstrip(".")) for key, child in node.items()))


def test_the_pixel_budget_is_the_published_one():
    (max_pixels,) = [field.default for field in dataclasses.fields(PrepareOptions) if field.name == "max_pixels"]
    assert max_pixels == 401408


def test_the_page_states_something():
    assert len(stated("The configuration")) > 30
    assert OmegaConf.select(composed(), "actor_rollout_ref.actor.optim.lr") == 1e-6
