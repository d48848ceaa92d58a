#!/usr/bin/env bash
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
#
# Run every recipe in miniature on the CPU (SMOKE=1), with METHOD=rft and METHOD=sft, and print a table at the end.
#
# Usage: scripts/smoke_all.sh [RECIPE[:METHOD] ...]    all when none is named, for example flowers102_2b:sft lisa_2b
#
# Results are in outputs/smoke; the same command again leaves out what passed. Exit status 1 when one failed.
# FRESH=1 begins anew. SECONDS_EACH (600) is the time limit of one.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

if [[ "${1:-}" == --help ]]; then
    sed -n '5,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
fi

results=outputs/smoke
[[ ${FRESH:-0} == 0 ]] || rm -rf "$results"
mkdir -p "$results"
asked=("$@")
if [[ $# -eq 0 ]]; then
    for path in recipes/*_[27]b.sh; do asked+=("$(basename "$path" .sh)"); done
fi

runs=()
for name in "${asked[@]}"; do
    if [[ ! -f recipes/${name%%:*}.sh ]]; then
        echo "smoke_all.sh: no recipe '${name%%:*}'. Remedy: visual-rft recipes lists them" >&2
        exit 2
    fi
    if [[ $name == *:* ]]; then runs+=("$name"); else runs+=("$name:rft" "$name:sft"); fi
done

table=() failed=0
for run in "${runs[@]}"; do
    recipe=${run%%:*} method=${run##*:} stamp=$results/${run/:/.}
    if [[ -f $stamp.passed ]]; then
        table+=("$recipe $method passed-before $(< "$stamp.passed")")
        continue
    fi
    echo "== $recipe, METHOD=$method"
    begin=$SECONDS
    if SMOKE=1 METHOD=$method timeout "${SECONDS_EACH:-600}" bash "recipes/$recipe.sh" 2>&1 | tee "$stamp.log"; then
        echo "$((SECONDS - begin))" > "$stamp.passed"
        table+=("$recipe $method passed $((SECONDS - begin))")
    else
        failed=1
        table+=("$recipe $method FAILED:$stamp.log $((SECONDS - begin))")
    fi
done

printf '%s\n' "recipe method result seconds" "${table[@]}" | awk '{ printf "%-18s %-7s %-14s %7s\n", $1, $2, $3, $4 }'
exit "$failed"
