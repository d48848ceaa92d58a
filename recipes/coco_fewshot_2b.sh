#!/usr/bin/env bash
# Eight categories of COCO, from SHOTS pictures of each, with Qwen2-VL-2B.
# Table 3 of the paper.
#
#   export DATA_ROOT=/data/coco
#   bash recipes/coco_fewshot_2b.sh                                         Visual-RFT
#   METHOD=sft SHOTS=16 bash recipes/coco_fewshot_2b.sh                     variables: --help lists them
#   bash recipes/coco_fewshot_2b.sh actor_rollout_ref.actor.optim.lr=2e-6   any veRL override, last
#
# What it trains and asks: verl_visual_rft/runs/experiments.py. The run's own command: OUTPUT_DIR/METHOD/command.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source recipes/common.sh
run coco_fewshot_2b "$@"
