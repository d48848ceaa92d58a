#!/usr/bin/env bash
# Make the quick start's base model again from nothing: a tiny Qwen2-VL, pretrained in two phases (about 17 minutes on 2
# cores). What it does: verl_visual_rft/runs/pretrain_tiny.py.
#
#   bash recipes/pretrain_tiny.sh                results in outputs/pretrain_tiny; --help lists the variables
#   INSTALL=1 bash recipes/pretrain_tiny.sh      also put the model in the place of the shipped one
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source recipes/common.sh
run pretrain_tiny "$@"
