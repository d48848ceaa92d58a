#!/usr/bin/env bash
# Visual-RFT from raw data to report on a laptop: no GPU, no download but Python packages; about 13 minutes on 2 cores.
#
#   bash recipes/quickstart.sh                  results in outputs/quickstart; --help lists the variables
#   REWARD=paper bash recipes/quickstart.sh     the paper's reward, which this model learns to game
#   SEED=1 STEPS=40 bash recipes/quickstart.sh algorithm.norm_adv_by_std_in_grpo=False     any veRL override, last
#
# What it does: verl_visual_rft/runs/quickstart.py. Each training leaves its whole command in outputs/quickstart/*/command.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source recipes/common.sh
run quickstart "$@"
