#!/usr/bin/env bash
# Trained on 65 categories of COCO; evaluated on these, the other 15, and 13 rare ones of LVIS, with Qwen2-VL-2B.
# Tables 7 and 8 of the paper.
#
#   export DATA_ROOT=/data/coco
#   bash recipes/coco_ovd_2b.sh                                         Visual-RFT
#   METHOD=sft SEED=1 bash recipes/coco_ovd_2b.sh                       variables: --help lists them
#   bash recipes/coco_ovd_2b.sh actor_rollout_ref.actor.optim.lr=2e-6   any veRL override, last
#
# What it trains and asks: verl_visual_rft/runs/experiments.py. The run's own command: OUTPUT_DIR/METHOD/command.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source recipes/common.sh
run coco_ovd_2b "$@"
