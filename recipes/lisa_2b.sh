#!/usr/bin/env bash
# LISA (ReasonSeg): the box that an instruction means, and its mask by SAM, with Qwen2-VL-2B.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TITLE="Reasoning grounding: LISA (ReasonSeg)"
PAPER_TABLES=(6) PAPER_ROW="Qwen2-VL-2B"
DATA_SETS=(lisa)
SAM=${SAM:-facebook/sam-vit-huge}
DEFAULT_MODEL=Qwen/Qwen2-VL-2B-Instruct STEPS=498 ROLLOUTS=8

source recipes/experiment.sh
prepare data lisa --boxes first # the published truth
train
evaluate data val val
evaluate data test test
report
