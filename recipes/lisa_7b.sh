#!/usr/bin/env bash
# LISA (ReasonSeg): the box that an instruction means, and its mask by SAM, with Qwen2-VL-7B.
# Table 6 of the paper.
#
#   export DATA_ROOT=/data/lisa
#   bash recipes/lisa_7b.sh                                         Visual-RFT
#   METHOD=sft SEED=1 bash recipes/lisa_7b.sh                       variables: --help lists them
#   bash recipes/lisa_7b.sh actor_rollout_ref.actor.optim.lr=2e-6   any veRL override, last
#
# What it trains and asks: verl_visual_rft/runs/experiments.py. The run's own command: OUTPUT_DIR/METHOD/command.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source recipes/common.sh
run lisa_7b "$@"
