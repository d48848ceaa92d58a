#!/usr/bin/env bash
# Stanford Cars: the class of a picture, from SHOTS pictures of each class, with Qwen2-VL-2B.
# Table 2 of the paper.
#
#   export DATA_ROOT=/data/cars196
#   bash recipes/cars196_2b.sh                                         Visual-RFT
#   METHOD=sft SHOTS=16 bash recipes/cars196_2b.sh                     variables: --help lists them
#   bash recipes/cars196_2b.sh actor_rollout_ref.actor.optim.lr=2e-6   any veRL override, last
#
# What it trains and asks: verl_visual_rft/runs/experiments.py. The run's own command: OUTPUT_DIR/METHOD/command.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source recipes/common.sh
run cars196_2b "$@"
