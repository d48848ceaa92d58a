#!/usr/bin/env bash
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
#
# Check everything on a CPU; on a fresh machine this is the one command that is needed.
#
# Usage: scripts/test.sh [lint|types|unit|e2e|long|pins|next ...]    the first four when none is named; installs what they need
#   long   further end-to-end runs: every ALGO, model option and family, two nodes, faults (an hour); ten times the fuzzing
#   pins   unit tests and a GRPO run with the versions of constraints/gpu.txt, on the CPU, in .venv-pins
#   next   the same with the newest versions that veRL admits, in .venv-next
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# One process more than cores, for many tests wait; four at most, for each imports torch and veRL. A file stays with one
# process, so that what its tests share is made once.
beside() (
    processes=$(($(nproc) + 1))
    folder=$(mktemp -d "$(folder_for_many_files)/visual-rft-tests.XXXXXX")
    trap 'rm -rf "$folder"' EXIT
    OMP_NUM_THREADS=1 python -m pytest --numprocesses "$((processes < 4 ? processes : 4))" --dist loadfile \
        --no-loadscope-reorder --basetemp "$folder/pytest" "$@"
)

# Unit tests make 70 000 files: in memory, where there is room, in a tenth of the time.
folder_for_many_files() {
    local free
    free=$(df --output=avail --block-size=1M /dev/shm 2>/dev/null | tail -n 1) || free=0
    if ((free > 4096)); then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi
}

lint() {
    ruff check .
    ruff format --check .
    shellcheck --external-sources .ci/run benchmarks/*/*.sh recipes/*.sh recipes/*/*.sh scripts/*.sh scripts/*/*.sh
}
types() { mypy; }
unit() { beside tests --ignore=tests/e2e -m "not long"; }
e2e() { python -m pytest tests/e2e -m "not long"; }
long() {
    beside tests --ignore=tests/e2e -m "long or hypothesis" --hypothesis-profile=long
    python -m pytest tests/e2e -m long
}
pins() { other_versions pins; }
next() { other_versions next; }

other_versions() ( # other_versions NAME: docs/upstream.md has a table of what was run with which
    scripts/setup.sh "$1"
    # shellcheck source=/dev/null
    source ".venv-$1/bin/activate"
    export VERL_PLATFORM=cpu # what PyTorch's ordinary build does not say by itself
    unit
    python -m pytest tests/e2e -m smoke
)

parts=("$@")
if [[ $# -eq 0 ]]; then parts=(lint types unit e2e); fi
for part in "${parts[@]}"; do
    case $part in
        lint | types | unit | e2e | long | pins | next) ;;
        --help) sed -n '5,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
        *) echo "test.sh: unknown part '$part'. Remedy: scripts/test.sh --help" >&2 && exit 2 ;;
    esac
done

# Else each of the many processes compiles this package and the tests anew.
unset PYTHONDONTWRITEBYTECODE
scripts/setup.sh cpu --dev
source scripts/activate.sh
for part in "${parts[@]}"; do
    echo "== $part"
    "$part"
done
