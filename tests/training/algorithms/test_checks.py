# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.training.algorithms.checks import check_algorithm

omegaconf = pytest.importorskip("omegaconf")
hydra = pytest.importorskip("hydra")
pytest.importorskip("verl")


def composed(*overrides: str):
    with hydra.initialize_config_module("verl_visual_rft.training.config", version_base=None):
        return hydra.compose("visual_rft", list(overrides))


@pytest.mark.parametrize("algo", ["paper", "dapo", "gdpo", "dr_grpo"])
def test_what_we_ship_passes(algo):
    check_algorithm(composed(f"algo={algo}"))
    check_algorithm(omegaconf.OmegaConf.to_container(composed(f"algo={algo}"), resolve=True))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["actor_rollout_ref.actor.freeze_vision_tower=true"], "use visual_rft.freeze_vision=true"),
        (["algorithm.filter_groups.enable=true"], "set algorithm.filter_groups.max_num_gen_batches"),
        (["algo=dapo", "algorithm.filter_groups.max_num_gen_batches=0"], "needs a bound"),
        (["algo=gdpo", "algorithm.use_kl_in_reward=true"], "use actor_rollout_ref.actor.use_kl_loss=true"),
        (["actor_rollout_ref.rollout.name=sglang"], "rollout.name is not supported: use vllm"),
        (["actor_rollout_ref.rollout.multi_turn.enable=true"], "a prompt is asked once"),
        (["reward.reward_model.enable=true"], "rewards are rules"),
        (["reward_model.enable=true"], "rewards are rules"),
        (["algorithm.adv_estimator=gae"], "gae needs a critic"),
        (["critic.enable=true"], "gae needs a critic"),
        (["algorithm.adv_estimator=remax"], "remax needs a greedy answer"),
        (["algorithm.adv_estimator=optimal_token_baseline"], "needs what our trainer does not compute"),
        (["algorithm.adv_estimator=gdpo"], "gdpo needs what our trainer does not compute; use algo=paper, dapo, gdpo"),
        (["algorithm.adv_estimator=gropo"], "gropo is not known; use algo=paper"),
        (["algorithm.adv_estimator=null"], "None is not known"),
        (["algorithm.adv_estimator=rloo", "actor_rollout_ref.rollout.n=1"], "compared with others of its group"),
        (["actor_rollout_ref.rollout.temperature=0"], "temperature is not supported: all answers of a group would be"),
        (["actor_rollout_ref.rollout.temperature=-1"], "temperature is not supported"),
        (["actor_rollout_ref.rollout.top_k=1"], "top_k is not supported: all answers of a group would be the same"),
        (["actor_rollout_ref.rollout.top_p=0"], "top_p is not supported"),
        (["actor_rollout_ref.rollout.n=1"], "compared with others of its group"),
        (["algo=gdpo", "visual_rft.reward=iou"], "reward 'iou' does not say"),
        (
            ["algo=gdpo", f"reward.custom_reward_function.path={__file__}"],
            "compute_score does not say which components",
        ),
        (["reward.custom_reward_function.path=/no/mine.py"], "path=/no/mine.py: no such file"),
    ],
)
def test_what_would_do_nothing_or_contradicts_itself_is_refused(overrides, message):
    with pytest.raises(UserError, match=message):
        check_algorithm(composed(*overrides))


def test_estimators_without_groups_need_none():
    check_algorithm(composed("algorithm.adv_estimator=reinforce_plus_plus", "actor_rollout_ref.rollout.n=1"))


def test_gdpo_takes_a_composed_reward():
    check_algorithm(composed("algo=gdpo", "visual_rft.reward='iou=1,format=0.5'"))
    check_algorithm(composed("algo=gdpo", "visual_rft.reward={iou: 1, format: 0.5}"))
