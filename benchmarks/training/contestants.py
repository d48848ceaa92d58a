# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""How each contestant is started on a workload."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from workload import Workload

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Setting:
    """A workload, a model, and where things are.

    Attributes:
        python: Of the environment that TRL is in.
    """

    folder: Path
    rows: Path
    model: Path
    workload: Workload
    steps: int
    python: Path


@dataclass(frozen=True)
class Contestant:
    """A way to do the workload.

    Attributes:
        command: Its command, given the setting and the folder of the turn.
        modules: What ``VERL_USE_EXTERNAL_MODULES`` loads.
        plug_in: Whether veRL loads the plug-in.
        threads: Threads of every process; ``None`` leaves it to Ray, which gives each worker one.
        without: What is taken out of ours (``without/sitecustomize.py``).
    """

    name: str
    title: str
    command: Callable[[Setting, Path], list[str]]
    modules: str = "instrument"
    plug_in: bool = False
    threads: int | None = None
    without: str = ""
    bind: str = "nobind"  # as verl_visual_rft/runs/device.py; vLLM's default is "auto"

    @property
    def unset(self) -> tuple[str, ...]:
        """Variables of the caller's environment that would change the contestant."""
        verl = ("OMP_NUM_THREADS", "VERL_USE_EXTERNAL_PLUGINS", "VERL_USE_EXTERNAL_MODULES")
        return (*verl, "VLLM_PLUGINS", "VLLM_CPU_OMP_THREADS_BIND", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")

    def environment(self, setting: Setting) -> dict[str, str]:
        """Variables that the contestant is started with."""
        variables = {
            "VERL_PLATFORM": "cpu",
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "OMP_WAIT_POLICY": "PASSIVE",  # spinning threads would take the cores from the other processes
            "RAY_worker_niceness": "0",
            "VERL_USE_EXTERNAL_MODULES": self.modules,
            "VERL_USE_EXTERNAL_PLUGINS": "auto" if self.plug_in else "none",
            "PYTHONPATH": os.pathsep.join(map(str, (HERE / "in_workers", ROOT / "tests" / "e2e", ROOT))),
        }
        if self.plug_in:
            variables["VLLM_CPU_OMP_THREADS_BIND"] = self.bind
            variables["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = "256"  # verl_visual_rft/runs/device.py
        else:
            variables["VLLM_PLUGINS"] = ""  # vLLM would load ours
        if self.threads:
            variables["OMP_NUM_THREADS"] = str(self.threads)
        if self.without:
            variables["BENCHMARK_WITHOUT"] = self.without
            variables["PYTHONPATH"] = os.pathsep.join([str(HERE / "without"), variables["PYTHONPATH"]])
        if setting.workload.seeded:
            variables["BENCHMARK_SEEDED"] = "1"
        return variables


def _same_for_verl(setting: Setting, folder: Path) -> list[str]:
    """Data, model and algorithm, said in full for both, so that they cannot differ by a default."""
    workload, blocks = setting.workload, setting.workload.cache_blocks
    tokens = workload.prompt_tokens + workload.new_tokens
    actor, rollout = "actor_rollout_ref.actor", "actor_rollout_ref.rollout"
    return [
        *[f"data.train_files={setting.rows}", f"data.val_files={setting.rows}", "data.shuffle=false"],
        *["data.prompt_key=prompt", "data.image_key=images", "data.truncation=error"],
        *[f"data.max_prompt_length={workload.prompt_tokens}", f"data.max_response_length={workload.new_tokens}"],
        *[f"data.train_batch_size={workload.prompts}", "data.filter_overlong_prompts=false"],
        *["algorithm.adv_estimator=grpo", "algorithm.use_kl_in_reward=false"],
        f"actor_rollout_ref.model.path={setting.model}",
        *[f"{actor}.ppo_mini_batch_size={workload.prompts}", f"{actor}.ppo_epochs=1"],
        f"{actor}.ppo_micro_batch_size_per_gpu={workload.micro_batch}",
        *[f"{actor}.loss_agg_mode=seq-mean-token-mean", f"{actor}.entropy_coeff=0"],
        *[f"{actor}.use_kl_loss=true", f"{actor}.kl_loss_type=low_var_kl", f"{actor}.kl_loss_coef={workload.beta}"],
        *[f"{actor}.optim.lr={workload.learning_rate}", f"{actor}.optim.weight_decay=0.0"],
        *[f"{actor}.optim.lr_scheduler_type=constant", f"{actor}.optim.lr_warmup_steps=0"],
        *[f"{actor}.clip_ratio_low=0.2", f"{actor}.clip_ratio_high=0.2", f"{actor}.clip_ratio_c=3.0"],
        f"actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu={workload.micro_batch}",
        *["actor_rollout_ref.rollout.name=vllm", f"{rollout}.n={workload.rollouts}", f"{rollout}.temperature=1.0"],
        *[f"{rollout}.top_p=1.0", f"{rollout}.top_k=-1", f"{rollout}.max_model_len={tokens}"],
        f"{rollout}.log_prob_micro_batch_size_per_gpu={workload.micro_batch}",
        *[f"{rollout}.max_num_batched_tokens={max(8192, tokens)}", f"{rollout}.tensor_model_parallel_size=1"],
        *["trainer.val_before_train=false", "trainer.test_freq=-1", "trainer.save_freq=-1"],
        *[f"trainer.total_training_steps={setting.steps}", "trainer.total_epochs=1", "trainer.logger=[file]"],
        *([f"+{rollout}.engine_kwargs.vllm.num_gpu_blocks_override={blocks}"] if blocks else []),
        *["trainer.resume_mode=disable", f"trainer.default_local_dir={folder}/checkpoints"],
    ]


def _ours(setting: Setting, folder: Path) -> list[str]:
    return [
        *[sys.executable, "-m", "verl.trainer.main_ppo", "--config-path", "pkg://verl_visual_rft.training.config"],
        *["--config-name", "visual_rft", "device=cpu", *_same_for_verl(setting, folder)],
    ]


def _unseeded(setting: Setting, folder: Path) -> list[str]:
    return [*_ours(setting, folder), "visual_rft.seed_rollouts=false"]


def _plain(setting: Setting, folder: Path) -> list[str]:
    """veRL's own configuration with what a CPU needs; trainer, agent loop and reward manager are veRL's."""
    return [
        *[sys.executable, "-m", "verl.trainer.main_ppo", "--config-path", "pkg://verl.trainer.config"],
        *["--config-name", "ppo_trainer", "hydra.searchpath=[pkg://verl_visual_rft.training.config]", "+device=cpu"],
        f"reward.custom_reward_function.path={ROOT}/tests/e2e/plain_reward.py",
        "reward.custom_reward_function.name=compute_score",
        *_same_for_verl(setting, folder),
    ]


def _script(name: str, python: Callable[[Setting], Path]) -> Callable[[Setting, Path], list[str]]:
    def command(setting: Setting, folder: Path) -> list[str]:
        folder.mkdir(parents=True, exist_ok=True)
        options = {"rows": str(setting.rows), "model": str(setting.model), "steps": setting.steps}
        (folder / "setting.json").write_text(json.dumps(options | {"workload": asdict(setting.workload)}))
        return [str(python(setting)), str(HERE / name), str(folder / "setting.json")]

    return command


CORES = len(os.sched_getaffinity(0))
#: What can be taken out of ours in the processes; threads and binding are settings.
_TAKEN_OUT = ("event", "one_update", "log_probs", "last_output", "sleep", "onednn")
_ABLATIONS = [Contestant("threads", "", _ours, plug_in=True)]
_ABLATIONS += [Contestant("nobind", "", _ours, plug_in=True, threads=CORES, bind="auto")]
_ABLATIONS += [Contestant(name, "", _ours, plug_in=True, threads=CORES, without=name) for name in _TAKEN_OUT]
CONTESTANTS = {
    contestant.name: contestant
    for contestant in (
        Contestant("plain", "plain veRL", _plain, modules="cpu_platform_only,instrument"),
        Contestant("threads", "plain veRL, all threads", _plain, "cpu_platform_only,instrument", threads=CORES),
        Contestant("ours", "ours", _ours, plug_in=True, threads=CORES),
        Contestant("ours-seeds", "ours without seeds", _unseeded, plug_in=True, threads=CORES),
        Contestant("hf", "Hugging Face loop", _script("hf_loop.py", lambda _: Path(sys.executable)), threads=CORES),
        Contestant("trl", "TRL", _script("trl_loop.py", lambda setting: setting.python), threads=CORES),
        *(replace(one, name=f"ours-{one.name}", title=f"ours without {one.name}") for one in _ABLATIONS),
    )
}
