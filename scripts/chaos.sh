#!/usr/bin/env bash
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
#
# Harm a real run on the CPU in every way that docs/faults.md lists, and see that it ends with its cause within a minute
# and goes on from its last checkpoint when it is started again. Exit status 1 where it does not.
#
# Usage: scripts/chaos.sh [--kills 30] [--seed 0] [--no-cases] [--out outputs/faults]
#
# 30 kills and the other faults take about an hour on two cores. The same command goes on where it was stopped, and
# repeats what was not as it should be. The tables are in outputs/faults/faults.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ${1:-} == --help || ${1:-} == -h ]]; then
    sed -n '5,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
fi

scripts/setup.sh cpu
source scripts/activate.sh
exec python tests/e2e/faults/campaign.py "$@"
