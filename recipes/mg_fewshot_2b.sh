#!/usr/bin/env bash
# Monster Girls, five fictional creatures, from SHOTS pictures of each, with Qwen2-VL-2B.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TITLE="Few-shot detection: Monster Girls"
PAPER_TABLES=(5) PAPER_ROW="Qwen2-VL-2B"
DATA_SETS=(mg)
SHOTS=${SHOTS:-4} KNOWN_SHOTS=(4 16)
DEFAULT_MODEL=Qwen/Qwen2-VL-2B-Instruct STEPS=200 ROLLOUTS=8

source recipes/experiment.sh
prepare data mg --shots "$SHOTS"
train
evaluate data val
report
