#!/usr/bin/env bash
# Eight categories of COCO, from SHOTS pictures of each, with Qwen2-VL-2B.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TITLE="Few-shot detection: eight categories of COCO"
PAPER_TABLES=(3) PAPER_ROW="Qwen2-VL-2B"
DATA_SETS=(coco)
SHOTS=${SHOTS:-4} KNOWN_SHOTS=(1 2 4 8 16)
DEFAULT_MODEL=Qwen/Qwen2-VL-2B-Instruct STEPS=200 ROLLOUTS=8
[[ $SHOTS != 1 ]] || TRAIN_COPIES=2 # 8 rows fill no batch of 16

source recipes/experiment.sh
prepare data coco --shots "$SHOTS" --base-categories coco-fewshot8
train
evaluate data val
report
