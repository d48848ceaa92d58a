#!/usr/bin/env bash
# GRPO from one policy with two rewards: does it learn to place boxes, or to be paid without?
#
#   STRENGTH=weak REWARD=paper SEED=0 STEPS=40 bash benchmarks/reward_hacking/run.sh [veRL overrides]
#
# STRENGTH weak|middling|strong: how often the policy that GRPO begins with places a box rightly (see warm_up_corpus.py).
# The warm-up is made once for all rewards. About 7 minutes on 2 cores; pictures, rows and GRPO's settings are the quick
# start's. DRY_RUN=1: only print the commands as JSON.
# All runs: python benchmarks/reward_hacking/table.py outputs/reward_hacking/*/grpo_*
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

source recipes/common.sh
caller=${OLDPWD:-$PWD}
if [[ ${DRY_RUN:-0} != 1 ]]; then use_environment cpu; fi
python=$(find_python)
exec "$python" -m benchmarks.reward_hacking.run "$caller" "$@"
