# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""The variables of an experiment: what they may be, what follows from them, and what ``--help`` says of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from verl_visual_rft.errors import UserError
from verl_visual_rft.gpus import visible_gpus
from verl_visual_rft.runs.commands import prepare_command, start_command
from verl_visual_rft.runs.experiments import Experiment
from verl_visual_rft.runs.given import Given, check_no_reference, check_reward, check_utf8
from verl_visual_rft.runs.paths import from_caller, model_from_caller
from verl_visual_rft.runs.words import bash_quote

#: Kinds of stages, in their order.
KINDS = ("data", "train", "export", "eval", "report")

#: Every variable of an experiment.
NAMES = (
    *("METHOD", "MODEL", "DATA_ROOT", "OUTPUT_DIR", "SHOTS", "SEED", "REWARD", "NEGATIVES", "ALGO", "THINK", "LORA"),
    *("FREEZE_VISION", "TAU", "SFT_TARGET", "EXIST_MAPS", "DEVICE", "NGPUS", "NNODES", "STAGES", "SMOKE", "DRY_RUN"),
    "SAM",
)
_DECIMAL = re.compile(r"0\.[0-9]+")
_SHARE = re.compile(r"0(\.[0-9]{0,3}[1-9])?")


@dataclass(frozen=True)
class Variables:
    """Variables of an experiment, checked, by their names in lower case; docs/recipes.md says what each means."""

    method: str
    model: str  # a folder, or a name on the hub
    data_root: Path | None
    shots: int | None  # None where the experiment draws none
    seed: int
    reward: str
    negatives: str  # as it was written, without zeros at its end
    algo: str
    think: bool
    lora: int
    freeze_vision: bool
    tau: str
    sft_target: str
    exist_maps: Path | None
    sam: str  # empty: no masks
    train_copies: int
    stages: tuple[str, ...]
    smoke: bool
    dry_run: bool
    nodes: int
    cluster: str  # RAY_ADDRESS of one that runs; empty: a Ray of its own
    device: str  # "cpu" or "cuda"
    gpus: int  # of a node; on a CPU, ranks


def read_variables(
    experiment: Experiment, environment: Mapping[str, str], overrides: Sequence[str], caller: Path
) -> Variables:
    """Read and check the variables of an experiment; relative paths begin in the folder ``caller``.

    Raises:
        UserError: A value is wrong, or two contradict each other.
    """
    given = Given(environment)
    model = model_from_caller(given.text("MODEL", experiment.model), caller)
    reward = given.text("REWARD", "robust")
    check_utf8(*map(given.text, ("OUTPUT_DIR", "DATA_ROOT", "EXIST_MAPS", "SAM")), model, reward, *overrides)
    check_no_reference(OUTPUT_DIR=given.text("OUTPUT_DIR"), MODEL=model, REWARD=reward)
    check_reward(reward, experiment.task, caller)
    smoke = given.switch("SMOKE")
    device = given.choice("DEVICE", "auto", "cpu", "cuda")
    gpus = given.number("NGPUS", 0, least=1) if given.text("NGPUS") else 0
    shots = _shots(experiment, given)
    cluster = given.text("RAY_ADDRESS", "local")
    variables = Variables(
        method=given.choice("METHOD", "rft", "sft", "base"),
        model=model,
        data_root=_folder(given, "DATA_ROOT", caller),
        shots=shots,
        seed=given.number("SEED", 0),
        reward=reward,
        negatives=_shortest(given.text("NEGATIVES", default_negatives(experiment, reward))),
        algo=given.choice("ALGO", "paper", "dapo", "gdpo", "dr_grpo"),
        think=given.choice("THINK", "on", "off") == "on",
        lora=given.number("LORA", 0),
        freeze_vision=given.switch("FREEZE_VISION"),
        tau=given.choice("TAU", "fixed", "curriculum"),
        sft_target=given.choice("SFT_TARGET", "answer", "reasoning"),
        exist_maps=_folder(given, "EXIST_MAPS", caller),
        sam=model_from_caller(given.text("SAM"), caller) if given.text("SAM") else experiment.sam,
        train_copies=experiment.copies.get(shots, 1) if shots else 1,
        stages=_stages(given),
        smoke=smoke,
        dry_run=given.switch("DRY_RUN"),
        nodes=given.number("NNODES", 1, least=1),
        cluster="" if cluster == "local" else cluster,
        device=device,
        gpus=gpus,
    )
    _check(experiment, variables)
    device, gpus = _find_device("cpu" if smoke and device == "auto" else device, gpus)
    return replace(variables, device=device, gpus=gpus)


def default_negatives(experiment: Experiment, reward: str) -> str:
    """Return the share of questions about what is not there.

    Where nothing asks for what is absent, never to say "No Objects" pays; where much does, a model that misses often
    does better to say nothing else (docs/rewards.md). The paper asks for nothing absent.
    """
    return "0.1" if experiment.is_detection and reward not in ("paper", "reference") else "0"


def exist_map(experiment: Experiment, maps: Path, data_set: str) -> Path:
    """Return the published map of what the untuned model calls present, of one data set."""
    return maps / f"exist_map_{data_set}_Qwen2_vl_{experiment.size.upper()}_baseline.json"


def _shortest(share: str) -> str:
    """Return a share without zeros at its end, so that equal ones have equal names of folders and keys of stages."""
    return share.rstrip("0").rstrip(".") if _DECIMAL.fullmatch(share) else share


def _folder(given: Given, name: str, caller: Path) -> Path | None:
    text = given.text(name)
    return from_caller(text, caller) if text else None


def _stages(given: Given) -> tuple[str, ...]:
    text = given.text("STAGES", ",".join(KINDS))
    asked = tuple(text.removesuffix(",").split(","))
    for kind in asked:
        if kind not in KINDS:
            raise UserError(f"STAGES: there is no stage {bash_quote(kind)}; choose from {','.join(KINDS)}")
    return asked


def _shots(experiment: Experiment, given: Given) -> int | None:
    if experiment.known_shots:
        return int(given.choice("SHOTS", *map(str, experiment.known_shots), default="4"))
    if shots := given.text("SHOTS"):
        raise UserError(f"SHOTS={shots}: this experiment has no shots; leave the variable out")
    return None


def _check(experiment: Experiment, variables: Variables) -> None:
    """Refuse what contradicts itself, the experiment, or the machine's being one."""
    if variables.sft_target == "reasoning" and not variables.think:
        raise UserError("SFT_TARGET=reasoning contradicts THINK=off; leave one of them out")
    negatives = variables.negatives
    if not _SHARE.fullmatch(negatives):
        raise UserError(f"NEGATIVES={bash_quote(negatives)} is not a share from 0 to below 1, written as 0.2")
    if negatives != "0" and not experiment.is_detection:
        raise UserError(
            f"NEGATIVES={negatives} is about the questions of detection; this experiment has none: leave it out"
        )
    if variables.tau != "fixed" and not experiment.is_detection:
        raise UserError(f"TAU={variables.tau} is about the boxes of detection; this experiment has none: leave it out")
    if variables.sam and not experiment.sam:
        raise UserError(f"SAM={variables.sam} makes masks of boxes; this experiment has none: leave it out")
    _check_maps(experiment, variables.exist_maps)
    if variables.nodes > 1 and variables.method == "sft":
        raise UserError("METHOD=sft runs on one node; set NNODES=1")
    if variables.nodes > 1 and not variables.cluster:
        raise UserError(
            f"NNODES={variables.nodes} needs a Ray cluster: start one with recipes/cluster/head.sh and set "
            "RAY_ADDRESS=HOST:6379"
        )
    if variables.data_root is None and not variables.smoke and not variables.dry_run:
        raise UserError(
            "DATA_ROOT is not set: the folder of the original files. Where they come from: "
            f"{' '.join(prepare_command(experiment.data_sets[0]))} --help. Without them: SMOKE=1"
        )


def _check_maps(experiment: Experiment, maps: Path | None) -> None:
    if maps is None:
        return
    if not experiment.has_maps:
        raise UserError(f"EXIST_MAPS={maps}: the published maps are of COCO and LVIS; leave the variable out")
    for data_set in experiment.data_sets:
        if not (file := exist_map(experiment, maps, data_set)).is_file():
            raise UserError(
                f"EXIST_MAPS={maps}: no file {file}; take the maps from the published repository's folder of the "
                "evaluation"
            )


def _find_device(device: str, gpus: int) -> tuple[str, int]:
    """Return the device for "auto", and how many of them: what is given, or all GPUs, or one rank."""
    if device == "cpu" or (device == "cuda" and gpus):
        return device, gpus or 1
    visible = len(visible_gpus())
    return ("cuda" if visible or device == "cuda" else "cpu"), gpus or visible or 1


_NEGATIVES = (
    "  NEGATIVES (0.1)      share of training rows that ask for what is not there; with REWARD=paper and reference 0, "
    "as the paper\n"
)
_MAPS = (
    "  EXIST_MAPS           folder of the published exist_map_*.json: ask what they call present, as the paper does\n"
)
_SAM = "                       what makes masks of the answered boxes: a folder, or a name on the Hugging Face hub\n"


def usage(experiment: Experiment) -> str:
    """Return its text: what it is, its variables with their defaults, examples."""
    start, data_set = start_command(experiment.name), experiment.data_sets[0]
    known = " ".join(map(str, experiment.known_shots))
    shots = f"  SHOTS (4)            training pictures of each class: {known}\n" if known else ""
    negatives = _NEGATIVES if experiment.is_detection else ""
    maps = _MAPS if experiment.has_maps else ""
    sam = f"  SAM ({experiment.sam})\n{_SAM}" if experiment.sam else ""
    prepare = " ".join(prepare_command(data_set))
    needs = f"{experiment.needs} " if experiment.needs else ""
    rollouts = experiment.rollouts
    return f"""\
{experiment.title}: table {" ".join(map(str, experiment.tables))} of the paper, {experiment.row}.

  DATA_ROOT=FOLDER {start} [veRL override ...]

DATA_ROOT is the folder of the original files; {prepare} --help shows where they come from and how
they lie. {needs}The model is trained for {experiment.steps} steps of 16 prompts, by GRPO with {rollouts} rollouts each.
The same command again reuses what is finished and resumes what was interrupted. Results of METHOD=base, sft and rft in
one OUTPUT_DIR share the data and end in one table.

Variables (default):
  METHOD (rft)         rft; sft: the same rows, samples a step and steps, supervised; base: evaluate the model as it is
  MODEL ({experiment.model})
                       a folder, or a name on the Hugging Face hub, of a Qwen2-VL, Qwen2.5-VL or Qwen3-VL
  OUTPUT_DIR (outputs/{experiment.name}, and what differs from the defaults)
{shots}  SEED (0)             of draws, training and rollouts
  REWARD (robust)      a name of `visual-rft reward list`, or a composition as 'iou=1,format=0.5'
{negatives}  ALGO (paper)         paper, dapo, gdpo, dr_grpo
  THINK (on)           off: no thinking process before the answer
  LORA (0)             rank of a LoRA adapter; 0: all parameters
  FREEZE_VISION (0)    1: train the language model only
  TAU (fixed)          curriculum: the IoU that counts as a hit rises from 0.5 to 0.9
  SFT_TARGET (answer)  reasoning: targets begin with a short thinking process
{maps}{sam}  DEVICE (auto)        cpu, cuda; auto: cuda where there is a GPU
  NGPUS (all)          GPUs of a node; CPU ranks, 1
  NNODES (1)           nodes of a Ray cluster, whose address is RAY_ADDRESS
  STAGES ({",".join(KINDS)})
                       only these
  SMOKE (0)            1: every stage in miniature on a CPU, with drawn pictures and a tiny random model; no DATA_ROOT
  DRY_RUN (0)          1: print the commands as JSON and do nothing

Examples:
  DATA_ROOT=/data/{data_set} METHOD=base {start}
  DATA_ROOT=/data/{data_set} {start} actor_rollout_ref.actor.optim.lr=2e-6
  SMOKE=1 {start}
"""
