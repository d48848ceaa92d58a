# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Runs that are not of this package, with it installed: they are what they are without it."""

import json
import os
import socket
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline import ROOT, run
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM, set_seed

from verl_visual_rft.miniature.pretraining import TINY_MODEL

pytestmark = pytest.mark.e2e

#: Without the package; what a CPU needs stands in `cpu_platform_only`.
AWAY = {"VERL_USE_EXTERNAL_PLUGINS": "none", "VLLM_PLUGINS": ""}
#: Of `verl_visual_rft.training.cpu`, which VERL_PLATFORM=cpu asks for.
OF_THE_PLATFORM = {
    "importlib.metadata.version",
    "verl.plugin.platform.platform_manager.PlatformRegistry._platforms",
    "verl.utils.distributed.initialize_global_process_group",
    "verl.utils.distributed.initialize_global_process_group_ray",
    "verl.workers.engine.fsdp.transformer_impl.CPUOffloadPolicy",
    "verl.workers.engine_workers.initialize_global_process_group_ray",
}


@pytest.fixture(scope="module")
def text_model(tmp_path_factory) -> Path:
    """A tiny Qwen2, which knows no pictures, with random weights."""
    folder = tmp_path_factory.mktemp("qwen2")
    tokenizer = AutoTokenizer.from_pretrained(TINY_MODEL)
    set_seed(0)
    sizes = {
        "hidden_size": 128,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
    }  # vLLM attends with 32 a head, not 16
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True}
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=len(tokenizer), **sizes, **heads))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def text_rows(tmp_path_factory) -> Path:
    """Sums, in the columns of veRL's SFT and GRPO."""
    rows = []
    for number in range(16):
        question, answer = {"role": "user", "content": f"What is {number} + {number}?"}, str(2 * number)
        rows.append(
            {
                "messages": [question, {"role": "assistant", "content": answer}],
                "prompt": [question],
                "data_source": "sums",
                "ability": "math",
                "reward_model": {"style": "rule", "ground_truth": answer},
                "extra_info": {"index": number},
            }
        )
    file = tmp_path_factory.mktemp("sums") / "train.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file


def _free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def sft(folder: Path, model: Path, rows: Path, modules: str, **environment: str) -> list[dict]:
    """Three steps of veRL's SFT with its own configuration; return what each has computed."""
    folder.mkdir()
    output = run(
        *[sys.executable, "-m", "verl.trainer.sft_trainer"],
        *[f"model.path={model}", "model.use_remove_padding=false", "model.enable_gradient_checkpointing=false"],
        *["+model.override_config.attn_implementation=sdpa", "engine.strategy=fsdp2", "engine.dtype=float32"],
        *["+engine.mixed_precision={param_dtype: fp32, reduce_dtype: fp32, buffer_dtype: fp32}"],
        *["engine.use_torch_compile=false", "trainer.device=cpu", "trainer.logger=[file]"],
        *[f"data.train_files={rows}", "data.train_batch_size=4", "data.micro_batch_size_per_gpu=2"],
        *["data.use_dynamic_bsz=false", "data.num_workers=0", "data.ignore_input_ids_mismatch=true"],
        *["trainer.total_training_steps=3", f"trainer.default_local_dir={folder}/checkpoints", "optim.lr=1e-3"],
        PYTHONPATH=os.pathsep.join(map(str, (ROOT / "tests" / "e2e", ROOT / "tests" / "support", ROOT))),
        VERL_USE_EXTERNAL_MODULES=modules,
        VERL_FILE_LOGGER_PATH=str(folder / "metrics.jsonl"),
        UPSTREAM_SYMBOLS=str(folder),
        **{"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _free_port()},
        **environment,
    )
    assert "visual-rft" not in output and "verl_visual_rft" not in output
    steps = [json.loads(line)["data"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: step[f"train/{name}"] for name in ("loss", "grad_norm", "lr", "global_tokens")} for step in steps]


def test_a_text_only_training_by_fsdp(tmp_path, text_model, text_rows):
    with_us = sft(tmp_path / "with", text_model, text_rows, "upstream_symbols")
    without = sft(tmp_path / "without", text_model, text_rows, "upstream_symbols,cpu_platform_only", **AWAY)
    assert len(with_us) == 3 and with_us == without
    (process,) = [json.loads(file.read_text()) for file in (tmp_path / "with").glob("*.json")]
    assert set(process["ours"]) <= OF_THE_PLATFORM
    looked_at = set(process["looked_at"])
    assert {
        "verl.workers.engine.fsdp.transformer_impl",
        "verl.utils.torch_functional",
        "verl.utils.tracking",
    } <= looked_at


VLLM = """
import json, sys
from vllm import LLM, SamplingParams
import upstream_symbols

engine = LLM(sys.argv[1], dtype="float32", max_model_len=64, max_num_seqs=4, enforce_eager=True, seed=0)
(answer,) = engine.generate(["What is 2 + 2?"], SamplingParams(temperature=0, max_tokens=8))
workers = engine.collective_rpc(lambda worker: upstream_symbols.ours())
said = {"tokens": list(answer.outputs[0].token_ids), "ours": [upstream_symbols.ours(), *workers]}
said["looked_at"] = sorted(set(upstream_symbols.MODULES) & set(sys.modules))
print(json.dumps(said))
"""


def vllm(model: Path, **environment: str) -> dict:
    """What vLLM's engine in a program of its own says and has of ours, in this process and in its workers."""
    printed = run(
        *[sys.executable, "-c", VLLM, str(model)],
        PYTHONPATH=os.pathsep.join(map(str, (ROOT / "tests" / "support", ROOT))),
        VLLM_ENABLE_V1_MULTIPROCESSING="0",  # the engine in this process, which can then be looked at
        VLLM_ALLOW_INSECURE_SERIALIZATION="1",  # to ask its workers
        VERL_PLATFORM="",
        **environment,
    )
    return json.loads(next(line for line in printed.splitlines() if line.startswith('{"tokens"')))


def test_a_vllm_of_another_program(text_model):
    with_us, without = vllm(text_model), vllm(text_model, **AWAY)
    assert with_us == without
    assert len(with_us["tokens"]) == 8 and not any(with_us["ours"])
    assert {"vllm.multimodal.hasher", "vllm.model_executor.layers.utils"} <= set(with_us["looked_at"])


def grpo(folder: Path, model: Path, rows: Path, **environment: str) -> list[dict]:
    """Two steps of veRL's GRPO with its own configuration; return what each has computed.

    A step is about one prompt, one request at a time: in which order two are asked is chance, and vLLM draws in order.
    """
    folder.mkdir()
    actor, rollout, ref = "actor_rollout_ref.actor", "actor_rollout_ref.rollout", "actor_rollout_ref.ref"
    precision = "{param_dtype: fp32, reduce_dtype: fp32, buffer_dtype: fp32}"
    both = [
        [f"{of}.strategy=fsdp2", f"{of}.use_torch_compile=false", f"{of}.fsdp_config.dtype=float32"]
        + [f"+{of}.fsdp_config.mixed_precision={precision}", f"{of}.fsdp_config.use_torch_compile=false"]
        for of in (actor, ref)
    ]
    run(
        *[sys.executable, "-m", "verl.trainer.main_ppo", f"data.train_files={rows}", f"data.val_files={rows}"],
        *["data.train_batch_size=1", "data.max_prompt_length=64", "data.max_response_length=16", *sum(both, [])],
        *["algorithm.adv_estimator=grpo", f"actor_rollout_ref.model.path={model}", f"{actor}.use_kl_loss=true"],
        *["actor_rollout_ref.model.use_remove_padding=false", "data.dataloader_num_workers=0"],
        *["actor_rollout_ref.model.enable_gradient_checkpointing=false", "trainer.n_gpus_per_node=1"],
        *["+actor_rollout_ref.model.override_config.attn_implementation=sdpa", f"{actor}.ppo_mini_batch_size=1"],
        *[f"{actor}.ppo_micro_batch_size_per_gpu=4", f"{rollout}.log_prob_micro_batch_size_per_gpu=4"],
        *[f"{ref}.log_prob_micro_batch_size_per_gpu=4", f"{rollout}.name=vllm", f"{rollout}.n=8"],
        *[f"{rollout}.tensor_model_parallel_size=1", f"{rollout}.max_num_seqs=1", f"{rollout}.max_model_len=80"],
        *[f"{rollout}.dtype=float32", f"{rollout}.enforce_eager=true", f"{rollout}.free_cache_engine=false"],
        *[f"+{rollout}.enable_sleep_mode=false", f"{rollout}.agent.num_workers=1", "reward.num_workers=1"],
        *[f"{rollout}.checkpoint_engine.update_weights_bucket_megabytes=64", "trainer.val_before_train=false"],
        *[f"reward.custom_reward_function.path={ROOT}/tests/e2e/digits_reward.py", "trainer.logger=[file]"],
        *["trainer.total_training_steps=2", "trainer.test_freq=-1", "trainer.save_freq=-1", "trainer.device=cpu"],
        *["ray_kwargs.ray_init.num_cpus=24", "+ray_kwargs.ray_init.num_gpus=1", "+ray_kwargs.ray_init.address=local"],
        f"trainer.default_local_dir={folder}/checkpoints",
        PYTHONPATH=os.pathsep.join(map(str, (ROOT / "tests" / "e2e", ROOT))),
        VERL_FILE_LOGGER_PATH=str(folder / "metrics.jsonl"),
        **environment,
    )
    steps = [json.loads(line)["data"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert "reward/score/mean" not in steps[0]  # as our trainer calls it
    compared = ("critic/score/mean", "actor/pg_loss", "actor/kl_loss", "actor/grad_norm", "response_length/mean")
    return [{name: step[name] for name in compared} for step in steps]


@pytest.mark.long
def test_a_text_only_grpo_by_fsdp(tmp_path, text_model, text_rows):
    with_us = grpo(tmp_path / "with", text_model, text_rows)
    without = grpo(tmp_path / "without", text_model, text_rows, VERL_USE_EXTERNAL_MODULES="cpu_platform_only", **AWAY)
    assert len(with_us) == len(without) == 2
    for ours, plain in zip(with_us, without, strict=True):
        assert ours == pytest.approx(plain, rel=1e-4, abs=1e-6)
