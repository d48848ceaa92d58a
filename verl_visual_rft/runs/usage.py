# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""What ``--help`` says of an experiment."""

from __future__ import annotations

from verl_visual_rft.runs.commands import prepare_command, start_command
from verl_visual_rft.runs.experiments import Experiment
from verl_visual_rft.runs.variables import KINDS

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
