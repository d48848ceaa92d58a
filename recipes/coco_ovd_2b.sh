#!/usr/bin/env bash
# Trained on 65 categories of COCO; evaluated on these, the other 15, and 13 rare ones of LVIS, with Qwen2-VL-2B.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TITLE="Open-vocabulary detection: COCO 65/15, and 13 rare categories of LVIS"
PAPER_TABLES=(7 8) PAPER_ROW="Qwen2-VL-2B"
DATA_SETS=(coco lvis)
NEEDS="LVIS has the pictures of COCO: lay lvis_v1_val.json beside COCO's annotations."
ROWS=6000
DEFAULT_MODEL=Qwen/Qwen2-VL-2B-Instruct STEPS=750 ROLLOUTS=8

source recipes/experiment.sh
prepare data coco --rows "$ROWS" --base-categories coco-base65 --novel-categories coco-novel15
prepare data_lvis lvis --setting open-vocabulary
train
evaluate data val coco
evaluate data_lvis val lvis
report
