# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What a run finds before it starts, refused where it does not fit: all but its rows."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from verl_visual_rft.datasets.manifest import MANIFEST_NAME, load_manifest, prompt_version
from verl_visual_rft.errors import UserError
from verl_visual_rft.gpus import visible_gpus
from verl_visual_rft.input_files import read_json_object
from verl_visual_rft.planning.models import Model, load_model
from verl_visual_rft.planning.settings import Settings
from verl_visual_rft.training.checkpoints.folders import latest

_WEIGHTS = ("model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json", "pytorch_model.bin")


def check_devices(device: str, ranks_per_node: int, nodes: int = 1) -> None:
    """Refuse more GPUs (or CPU ranks) than this machine has.

    In a cluster other machines do the work, and Ray knows what they have: nothing is checked then.

    Raises:
        UserError: There are fewer; the message says how many.
    """
    if nodes > 1 or os.environ.get("RAY_ADDRESS", "local") != "local":
        return
    if device == "cpu":
        cores = len(os.sched_getaffinity(0))
        if ranks_per_node > cores:
            raise UserError(
                f"NGPUS={ranks_per_node}: a rank on the CPU needs a core, and there are {cores}; set NGPUS={cores}"
            )
        return
    gpus = len(visible_gpus())
    if not gpus:
        raise UserError(
            "no GPU is visible here (nvidia-smi -L, CUDA_VISIBLE_DEVICES); set DEVICE=cpu, or mend the driver"
        )
    if ranks_per_node > gpus:
        raise UserError(
            f"NGPUS={ranks_per_node}, but {gpus} GPU{'s are' if gpus > 1 else ' is'} visible here; set NGPUS={gpus}"
        )


def check_weights(name: str) -> None:
    """Refuse a model of the hub whose weights are not in the cache where the hub must not be asked.

    Raises:
        UserError: ``HF_HUB_OFFLINE`` is set; veRL would end in the traceback of a network library.
    """
    if Path(name).expanduser().is_dir():
        return
    try:
        from huggingface_hub import constants, try_to_load_from_cache
    except ImportError:
        return  # nothing trains without it
    cached = (try_to_load_from_cache(name, file) for file in _WEIGHTS)
    if constants.is_offline_mode() and not any(isinstance(path, str) for path in cached):
        raise UserError(
            f"model {name}: its weights are not in the cache ({constants.HF_HUB_CACHE}), and HF_HUB_OFFLINE=1 forbids "
            f"asking the hub; fetch it where there is a network (hf download {name}), or give its folder"
        )


def check_prepared(folder: Path, model: Model, think: bool | None = None) -> None:
    """Refuse prepared data whose boxes or prompts are made for something else. A folder without manifest passes.

    Args:
        folder: Prepared folder.
        model: Its family decides the coordinates of boxes.
        think: Whether prompts shall ask for a thinking process; None: either will do.

    Raises:
        UserError: The manifest says another family, prompt variant or prompt version, or a task that cannot be loaded.
    """
    if not (folder / MANIFEST_NAME).is_file():
        return
    manifest = load_manifest(folder)
    options = manifest["options"]
    remedy = f"prepare them again: remove {folder}, or set OUTPUT_DIR to another folder"
    family = options.get("family", "qwen2-vl")
    if family != model.family:
        raise UserError(
            f"{folder}: the data are prepared for {family}, and {model.name} is of {model.family}; {remedy}"
        )
    try:
        asked = prompt_version(manifest["task"])
    except UserError as error:
        raise UserError(f"{folder}: {error}") from error
    if manifest["prompt_version"] != asked:
        raise UserError(
            f"{folder}: the prompts are version {manifest['prompt_version']}, and this package asks version {asked}; "
            f"{remedy}"
        )
    if think is not None and options.get("think", True) != think:
        has, wants = ("on", "off") if not think else ("off", "on")
        raise UserError(f"{folder}: the data are prepared with THINK={has}, and this run has THINK={wants}; {remedy}")


def check_checkpoints(settings: Settings, model: Model) -> None:
    """Refuse to resume a checkpoint that is another model's, or was written by another number of ranks.

    Raises:
        UserError: The sizes, the LoRA adapter or the ranks differ; the message says which.
    """
    last = latest(settings.checkpoints)
    if last is None:
        return
    written = last.shards
    remedy = "set OUTPUT_DIR to another folder, or remove the checkpoints to start anew"
    if (written / "huggingface/config.json").is_file():
        differences = _differences(load_model(str(written / "huggingface")), model)
        if differences:
            raise UserError(f"{written}: this checkpoint is no {model.name}: {', '.join(differences)}; {remedy}")
    adapter = (written / "lora_train_meta.json").is_file()
    if adapter != bool(settings.engine.lora_rank):
        has, wants = ("an adapter", "LORA=0") if adapter else ("all weights", f"LORA={settings.engine.lora_rank}")
        raise UserError(f"{written}: this checkpoint holds {has}, and this run has {wants}; {remedy}")
    ranks = read_json_object(written / "fsdp_config.json", remedy).get("world_size")
    if ranks not in (None, settings.ranks):
        raise UserError(
            f"{written}: this checkpoint was written by {ranks} ranks, which alone can read it, and this run has "
            f"{settings.ranks}; give as many GPUs (NGPUS, NNODES), or {remedy}"
        )


def _differences(written: Model, model: Model) -> list[str]:
    found = [] if written.family == model.family else [f"family {written.family}, not {model.family}"]
    for part, mine, theirs in (("", model.decoder, written.decoder), ("vision ", model.tower, written.tower)):
        wanted, has = dataclasses.asdict(mine), dataclasses.asdict(theirs)
        found += [
            f"{part}{key.replace('_', ' ')} {has[key]}, not {wanted[key]}" for key in wanted if has[key] != wanted[key]
        ]
    return found
