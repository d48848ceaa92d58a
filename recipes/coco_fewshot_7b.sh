#!/usr/bin/env bash
# Eight categories of COCO, from SHOTS pictures of each, with Qwen2-VL-7B.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TITLE="Few-shot detection: eight categories of COCO"
PAPER_TABLES=(3) PAPER_ROW="Qwen2-VL-7B"
DATA_SETS=(coco)
SHOTS=${SHOTS:-4} KNOWN_SHOTS=(4)
DEFAULT_MODEL=Qwen/Qwen2-VL-7B-Instruct STEPS=200 ROLLOUTS=4

source recipes/experiment.sh
prepare data coco --shots "$SHOTS" --base-categories coco-fewshot8
train
evaluate data val
report
