#!/usr/bin/env bash
# Six rare categories of LVIS, from all their training pictures (10 at most), with Qwen2-VL-2B.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TITLE="Few-shot detection: six rare categories of LVIS"
PAPER_TABLES=(4) PAPER_ROW="Qwen2-VL-2B"
DATA_SETS=(lvis)
DEFAULT_MODEL=Qwen/Qwen2-VL-2B-Instruct STEPS=200 ROLLOUTS=8

source recipes/experiment.sh
prepare data lvis --shots 10
train
evaluate data val
report
