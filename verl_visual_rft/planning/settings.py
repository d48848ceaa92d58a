# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The settings of a run that memory and time depend on, taken out of veRL's GRPO or SFT configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verl_visual_rft.errors import UserError
from verl_visual_rft.planning.kinds import check_kinds, group, setting
from verl_visual_rft.training.engine.one_update import wants_no_old_log_probs

#: Bytes of a number, by the names that veRL knows types by (utils/torch_dtypes.py).
_BYTES = {"fp32": 4, "float32": 4, "float": 4, "bf16": 2, "bfloat16": 2, "fp16": 2, "float16": 2, "half": 2}
#: What veRL calls FSDP.
_STRATEGIES = ("fsdp", "fsdp2")


@dataclass(frozen=True)
class Engine:
    """How FSDP trains."""

    shards: int  #: Ranks that share one copy of weights, gradients and optimizer state.
    master_bytes: int  #: Of a stored weight, its gradient and each of the optimizer's two moments.
    compute_bytes: int  #: Of a number in the forward and backward pass.
    checkpointing: bool  #: Whether activations are computed again in the backward pass.
    packed: bool  #: Whether padding is removed (needs flash attention).
    offloads_weights: bool  #: Whether weights and gradients lie in main memory while others use the GPU.
    offloads_optimizer: bool  #: The same for the optimizer's state.
    lora_rank: int  #: 0 trains all weights.
    frozen_tower: bool  #: Whether the vision tower is left as it is (with LoRA: has no adapters).


@dataclass(frozen=True)
class Rollout:
    """How vLLM answers."""

    answers: int  #: Rollouts of each prompt (the group's size, G).
    tensor_parallel: int  #: GPUs that share one copy of the model.
    memory_share: float  #: Share of each GPU's memory that vLLM takes, weights included.
    longest: int | None  #: ``max_model_len``; None for the model's own.
    at_once: int  #: Most sequences that are answered at a time.
    weight_bytes: int  #: Of a weight.
    bucket: int  #: Bytes through which weights go to vLLM.


@dataclass(frozen=True)
class Settings:
    """A run's settings."""

    model: str  #: Folder or hub name.
    device: str  #: "cuda" or "cpu".
    nodes: int  #: Machines.
    ranks_per_node: int  #: GPUs of each (processes on a CPU).
    sequence_parallel: int  #: GPUs that share one sequence (Ulysses).
    prompts: int  #: Of a step (SFT: examples).
    mini_batch: int  #: Prompts of one update.
    #: Sequences on a GPU at a time, by the setting's name; without passes where lengths decide.
    micro_batches: Mapping[str, int]
    #: Tokens on a GPU at a time where lengths decide (dynamic batches), by the name of the micro-batch that they
    #: stand in for.
    token_limits: Mapping[str, int]
    prompt_tokens: int  #: Longest prompt, picture included (SFT: longest example).
    answer_tokens: int  #: Longest answer (SFT: 0).
    steps: int | None  #: Of the run; None where the epochs decide.
    epochs: int  #: Passes over the data, where they decide.
    old_log_probs: bool  #: Whether a pass of its own computes them (not where the batch is one update, nor for SFT).
    reference: bool  #: Whether a second, frozen copy of the model is asked (KL).
    engine: Engine  #: How FSDP trains.
    rollout: Rollout | None  #: How vLLM answers; None for SFT.
    train_files: tuple[Path, ...]  #: Parquet files.
    most_rows: int | None  #: How many of their rows are used; None: all.
    val_files: tuple[Path, ...]  #: Likewise, for validation.
    checkpoints: Path  #: Where checkpoints are written, and resumed from.

    @property
    def ranks(self) -> int:
        """Of all machines."""
        return self.nodes * self.ranks_per_node

    @property
    def data_folders(self) -> tuple[Path, ...]:
        """Folders of the rows to train on and to validate on, each once."""
        return tuple(dict.fromkeys(file.parent for file in (*self.train_files, *self.val_files)))

    @property
    def data_parallel(self) -> int:
        """Ranks among which the sequences of a step are divided."""
        return self.ranks // self.sequence_parallel

    @property
    def sequences(self) -> int:
        """Answered prompts of a step."""
        return self.prompts * (self.rollout.answers if self.rollout else 1)

    @property
    def sequence_tokens(self) -> int:
        """Longest sequence."""
        return self.prompt_tokens + self.answer_tokens

    @property
    def log_prob_passes(self) -> tuple[str, ...]:
        """Micro-batch settings of a step's passes that compute log-probabilities alone."""
        reference = OLD_LOG_PROBS if self.engine.lora_rank else REFERENCE  # the actor without its adapter, or a model
        return (OLD_LOG_PROBS,) * self.old_log_probs + (reference,) * self.reference

    @property
    def batch_settings(self) -> dict[str, int]:
        """The settings that say how much a GPU computes at a time, by their own names."""
        return {**self.micro_batches, **{TOKEN_LIMIT[name]: limit for name, limit in self.token_limits.items()}}


def settings_of(config: Mapping[str, Any]) -> Settings:
    """Read a run's settings from the configuration of veRL's GRPO or SFT trainer.

    Raises:
        UserError: Something else than FSDP is to train, or a setting is missing or of another kind.
    """
    is_grpo = "actor_rollout_ref" in config
    engine = group(config, "actor_rollout_ref.actor") if is_grpo else config
    fsdp = engine.get("fsdp_config", engine.get("engine", {}))
    if isinstance(fsdp, Mapping) and "fsdp_size" not in fsdp:
        raise UserError("model_engine, engine: only FSDP trains here (model_engine=dp, engine=fsdp); leave it out")
    _require_fsdp(config, ("actor_rollout_ref.actor", "actor_rollout_ref.ref") if is_grpo else ("engine",))
    check_kinds(config)
    try:
        return _grpo(config) if is_grpo else _sft(config)
    except KeyError as error:
        raise UserError(f"there is no setting {error}, which a training needs; leave out what takes it away") from error


def _require_fsdp(config: Mapping[str, Any], engines: Sequence[str]) -> None:
    """Refuse another strategy under the settings of FSDP: workers would know it for wrong, with the model loaded."""
    for name in engines:
        strategy = group(config, name).get("strategy", "fsdp")
        if strategy not in _STRATEGIES:
            raise UserError(
                f"{name}.strategy={strategy}: only FSDP trains here, {' or '.join(_STRATEGIES)}; leave it out"
            )


#: Names of the micro-batch settings, by what they divide.
UPDATE = "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu"
OLD_LOG_PROBS = "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu"
REFERENCE = "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu"
SFT_UPDATE = "data.micro_batch_size_per_gpu"
#: Names of the settings that stand in for them where lengths decide.
TOKEN_LIMIT = {
    UPDATE: "actor_rollout_ref.actor.ppo_max_token_len_per_gpu",
    OLD_LOG_PROBS: "actor_rollout_ref.rollout.log_prob_max_token_len_per_gpu",
    REFERENCE: "actor_rollout_ref.ref.log_prob_max_token_len_per_gpu",
    SFT_UPDATE: "data.max_token_len_per_gpu",
}


def _grpo(config: Mapping[str, Any]) -> Settings:
    all_of, data, trainer = config["actor_rollout_ref"], config["data"], config["trainer"]
    actor, rollout, model = all_of["actor"], all_of["rollout"], all_of["model"]
    reference = bool(actor["use_kl_loss"] or config["algorithm"]["use_kl_in_reward"])
    by_length = {
        UPDATE: actor["use_dynamic_bsz"],
        OLD_LOG_PROBS: rollout["log_prob_use_dynamic_bsz"],
    }
    if reference and not model["lora_rank"]:  # with LoRA the reference is the actor without its adapter
        by_length[REFERENCE] = all_of["ref"]["log_prob_use_dynamic_bsz"]
    return Settings(
        **_of_both(config, by_length),
        model=model["path"],
        # veRL's FSDPActorConfig: the first, which it calls deprecated, goes before the second.
        sequence_parallel=max(
            actor["ulysses_sequence_parallel_size"], actor["fsdp_config"]["ulysses_sequence_parallel_size"]
        ),
        mini_batch=actor["ppo_mini_batch_size"],
        prompt_tokens=data["max_prompt_length"],
        answer_tokens=data["max_response_length"],
        old_log_probs=not wants_no_old_log_probs(config),
        reference=reference,
        engine=_engine(actor["fsdp_config"], model, trainer),
        rollout=Rollout(
            answers=rollout["n"],
            tensor_parallel=rollout["tensor_model_parallel_size"],
            memory_share=rollout["gpu_memory_utilization"],
            longest=rollout["max_model_len"],
            at_once=rollout["max_num_seqs"],
            weight_bytes=_bytes("actor_rollout_ref.rollout.dtype", rollout["dtype"]),
            bucket=rollout["checkpoint_engine"]["update_weights_bucket_megabytes"] * 2**20,
        ),
    )


def _sft(config: Mapping[str, Any]) -> Settings:
    data, engine = config["data"], config["engine"]
    return Settings(
        **_of_both(config, {SFT_UPDATE: data["use_dynamic_bsz"]}),
        model=config["model"]["path"],
        sequence_parallel=engine.get("ulysses_sequence_parallel_size", 1),
        mini_batch=data["train_batch_size"],
        prompt_tokens=data["max_length"],
        answer_tokens=0,
        old_log_probs=False,
        reference=False,
        engine=_engine(engine, config["model"], config["trainer"]),
        rollout=None,
    )


def _of_both(config: Mapping[str, Any], by_length: Mapping[str, bool]) -> dict[str, Any]:
    """Return what both trainers call alike; of each micro-batch its size, or the token limit where lengths decide."""
    data, trainer = config["data"], config["trainer"]
    most_rows: int = data.get("train_max_samples") or -1
    return {
        "device": trainer["device"],
        "nodes": trainer["nnodes"],
        "ranks_per_node": trainer["n_gpus_per_node"],
        "prompts": data["train_batch_size"],
        "micro_batches": {name: setting(config, name) for name, decides in by_length.items() if not decides},
        "token_limits": {name: setting(config, TOKEN_LIMIT[name]) for name, decides in by_length.items() if decides},
        "steps": trainer["total_training_steps"],
        "epochs": trainer["total_epochs"],
        "train_files": _paths(data["train_files"]),
        "most_rows": most_rows if most_rows > 0 else None,
        "val_files": _paths(data["val_files"]),
        "checkpoints": Path(trainer["default_local_dir"]),
    }


def _engine(fsdp: Mapping[str, Any], model: Mapping[str, Any], trainer: Mapping[str, Any]) -> Engine:
    ranks, size = trainer["nnodes"] * trainer["n_gpus_per_node"], fsdp["fsdp_size"]
    without_tower = model["lora_rank"] > 0 and "visual" in str(model["exclude_modules"])
    # FSDP computes in bf16 whatever `dtype` says, unless `mixed_precision` does (_build_fsdp_module).
    precision = fsdp.get("mixed_precision") or {}
    return Engine(
        shards=size if 0 < size < ranks else ranks,
        master_bytes=_bytes("model_dtype", fsdp.get("model_dtype") or "fp32"),
        compute_bytes=_bytes("mixed_precision.param_dtype", precision.get("param_dtype", "bf16")),
        checkpointing=model["enable_gradient_checkpointing"],
        packed=model["use_remove_padding"],
        offloads_weights=fsdp["param_offload"] or fsdp["offload_policy"],
        offloads_optimizer=fsdp["optimizer_offload"] or fsdp["offload_policy"],
        lora_rank=model["lora_rank"],
        frozen_tower=fsdp.get("freeze_vision", False) or without_tower,
    )


def _bytes(name: str, of: Any) -> int:
    if of not in _BYTES:
        raise UserError(f"{name}={of} is no type of numbers that is known here; choose one of: {' '.join(_BYTES)}")
    return _BYTES[of]


def _paths(files: Any) -> tuple[Path, ...]:
    """Return the files of a setting that is one file, a list or nothing."""
    return tuple(Path(file).expanduser() for file in ([files] if isinstance(files, str) else files or []))
