# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.planning.check import checked
from verl_visual_rft.planning.models import load_model
from verl_visual_rft.planning.refusals import check

ACTOR, ROLLOUT = "actor_rollout_ref.actor", "actor_rollout_ref.rollout"
FIXED = f"{ACTOR}.use_dynamic_bsz=false"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            [f"{ACTOR}.ppo_mini_batch_size=12"],
            "16 is no multiple of actor.ppo_mini_batch_size 12; set the latter to 1, 2, 4, 8 or 16",
        ),
        (
            ["trainer.n_gpus_per_node=3"],
            "16 prompts x 8 answers of an update cannot be divided among 3 GPUs.*NGPUS=1, 2, 4, 8, 16",
        ),
        (["trainer.n_gpus_per_node=0"], "1 nodes of 0 GPUs: a run needs one at least"),
        (
            [FIXED, f"{ACTOR}.ppo_micro_batch_size_per_gpu=3"],
            f"{ACTOR}.ppo_micro_batch_size_per_gpu=3 does not divide the 16 sequences of a GPU",
        ),
        (
            [FIXED, f"{ROLLOUT}.n=4", "trainer.nnodes=2", f"{ACTOR}.ppo_micro_batch_size_per_gpu=4"],
            f"{ROLLOUT}.log_prob_micro_batch_size_per_gpu=8 does not divide the 4 sequences of a GPU; set it to 1, 2",
        ),
        (
            [FIXED, "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=5"],
            "ref.log_prob_micro_batch_size_per_gpu=5 does not divide",
        ),
        ([f"{ROLLOUT}.max_model_len=1500"], r"1024 \+ 512 tokens are more than .*max_model_len=1500; set it to 1536"),
        (
            [f"{ROLLOUT}.max_model_len=40000"],
            "max_model_len=40000 is more than the 32768 positions of Qwen/Qwen2-VL-2B",
        ),
        (["data.max_response_length=32000"], r"1024 \+ 32000 tokens are more than the 32768 positions"),
        (
            [f"{ROLLOUT}.tensor_model_parallel_size=8"],
            "=8 does not divide the 12 heads of .* and the 16 of its vision tower; set it to 1, 2 or 4",
        ),
        (
            [f"{ROLLOUT}.tensor_model_parallel_size=4", "trainer.n_gpus_per_node=2"],
            "=4 does not divide 2 GPUs; set it to 1 or 2",
        ),
        (["lora=on", "actor_rollout_ref.model.lora_rank=600"], "vLLM takes adapters of rank 512 at most"),
        (["model_engine=megatron"], "only FSDP trains here"),
        *(
            ([f"{ACTOR}.strategy={strategy}"], f"{ACTOR}.strategy={strategy}: only FSDP trains here, fsdp or fsdp2")
            for strategy in ("megatron", "veomni", "torchtitan", "automodel", "FSDP")
        ),
        (["actor_rollout_ref.ref.strategy=megatron"], "ref.strategy=megatron: only FSDP trains here"),
        ([f"{ROLLOUT}.gpu_memory_utilization=1.5"], "gpu_memory_utilization=1.5 is no share"),
        (
            [f"{ACTOR}.fsdp_config.ulysses_sequence_parallel_size=8"],
            "8 divides not both 8 GPUs and the model's 12 heads; set it to 1, 2 or 4",
        ),
        (
            [f"{ACTOR}.ulysses_sequence_parallel_size=8"],
            "8 divides not both 8 GPUs and the model's 12 heads; set it to 1, 2 or 4",
        ),
        (
            [f"{ACTOR}.ppo_max_token_len_per_gpu=1000"],
            rf"1024 \+ 512 tokens do not fit into {ACTOR}.ppo_max_token_len_per_gpu=1000; set it to 1536 or more",
        ),
        (
            [f"{ACTOR}.ulysses_sequence_parallel_size=2", f"{ROLLOUT}.log_prob_max_token_len_per_gpu=767"],
            "do not fit into .*log_prob_max_token_len_per_gpu=767; set it to 768 or more",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_in_one_line_with_the_remedy(overrides, message, grpo):
    with pytest.raises(UserError, match=message) as error:
        settings = grpo(*overrides)
        check(settings, load_model(settings.model))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("actor_rollout_ref.model.path=null", "actor_rollout_ref.model.path=null is no text"),
        ("data.train_batch_size=abc", "data.train_batch_size=abc is no whole number from 1"),
        ("data.train_batch_size=", "data.train_batch_size= is no whole number from 1"),
        ("data.train_batch_size=0", "data.train_batch_size=0 is no whole number from 1"),
        ("data.train_batch_size=true", "data.train_batch_size=True is no whole number from 1"),
        ("data.train_batch_size=null", "is no whole number from 1"),  # of the mini-batch, which is computed of it
        ("data.max_prompt_length=-5", "data.max_prompt_length=-5 is no whole number from 1"),
        (f"{ROLLOUT}.n=null", f"{ROLLOUT}.n=null is no whole number from 1"),
        (f"~{ROLLOUT}.n", f"no setting {ROLLOUT}.n, which a training needs"),
        ("~trainer.nnodes", "no setting trainer.nnodes, which a training needs"),
        (f"{ACTOR}.fsdp_config=3", f"{ACTOR}.fsdp_config=3: .* is a group of settings"),
        (f"{ACTOR}.optim.lr=abc", f"{ACTOR}.optim.lr=abc is no number"),
        (f"{ACTOR}.optim.lr=nan", f"{ACTOR}.optim.lr=nan is no number from 0"),
        (f"{ACTOR}.optim.lr=inf", f"{ACTOR}.optim.lr=inf is no number from 0"),
        (f"{ACTOR}.optim.lr=-1e-6", f"{ACTOR}.optim.lr=-1e-06 is no number from 0"),
        (f"{ROLLOUT}.temperature=warm", f"{ROLLOUT}.temperature=warm is no number"),
        (f"{ROLLOUT}.top_k=null", f"{ROLLOUT}.top_k=null is no whole number"),
        (f"{ROLLOUT}.top_p=nan", f"{ROLLOUT}.top_p=nan is no number"),
        (f"{ROLLOUT}.max_model_len=long", "max_model_len=long is no whole number from 1, nor null"),
        (f"{ROLLOUT}.dtype=int8", f"{ROLLOUT}.dtype=int8 is no type of numbers"),
        ("data.train_files=3", "data.train_files=3 is no file, nor list of files"),
        ("data=null", "setting refused: Config group override must be a string"),
        ("~trainer.device", "no setting .*device"),
    ],
)
def test_a_setting_of_another_kind_is_refused_in_one_line(override, message, grpo):
    with pytest.raises(UserError, match=message) as error:
        grpo(override)
    assert "\n" not in str(error.value)


def test_the_kinds_of_sft_are_checked_too(sft):
    for override in ("data.max_length=-1", "optim.lr=abc", "model.path=null", "data.train_batch_size=abc"):
        with pytest.raises(UserError, match=f"{override} is no "):
            sft(override)


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        [f"{ROLLOUT}.max_model_len=1536"],
        [f"{ROLLOUT}.tensor_model_parallel_size=4"],
        [FIXED],
        [f"{ACTOR}.ulysses_sequence_parallel_size=2", f"{ACTOR}.ppo_max_token_len_per_gpu=768"],
        [
            FIXED,
            "lora=on",
            "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=5",
        ],  # with an adapter no second model is asked
    ],
)
def test_settings_that_work_pass(overrides, grpo):
    settings = grpo(*overrides)
    check(settings, load_model(settings.model))


def test_sft_is_checked_too(sft):
    model = load_model("Qwen/Qwen2-VL-2B-Instruct")
    check(sft(ranks=4), model)
    with pytest.raises(UserError, match="data.micro_batch_size_per_gpu=4 does not divide the 2 sequences of a GPU"):
        check(sft("data.use_dynamic_bsz=false", ranks=8), model)
    check(sft(ranks=8), model)
    with pytest.raises(UserError, match="16 examples of an update cannot be divided among 3 GPUs"):
        check(sft(ranks=3), model)
    with pytest.raises(UserError, match=r"examples of 40000 tokens \(data.max_length\) are more than the 32768"):
        check(sft("data.max_length=40000"), model)


def test_a_configuration_is_checked_as_hydra_gives_it():
    pytest.importorskip("verl")
    from hydra import compose, initialize_config_module

    with initialize_config_module("verl_visual_rft.training.config", version_base=None):
        config = compose("visual_rft", ["actor_rollout_ref.model.path=/nowhere"])
    with pytest.raises(UserError, match="model /nowhere: no such folder"):
        checked(config)
