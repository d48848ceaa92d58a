#!/usr/bin/env bash
# Flowers102: the class of a picture, from SHOTS pictures of each class, with Qwen2-VL-2B.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TITLE="Few-shot classification: Flowers102"
PAPER_TABLES=(2) PAPER_ROW="column Flower102"
DATA_SETS=(flowers102)
SHOTS=${SHOTS:-4} KNOWN_SHOTS=(1 2 4 8 16)
DEFAULT_MODEL=Qwen/Qwen2-VL-2B-Instruct STEPS=200 ROLLOUTS=8

source recipes/experiment.sh
prepare data flowers102 --shots "$SHOTS"
train
evaluate data test
report
